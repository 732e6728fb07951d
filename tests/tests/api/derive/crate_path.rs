//! Modules in place of pshmem, passed as `#[shared(crate = path)]`, that replace single items of it.
//!
//! The generated code contains `unsafe` blocks. They may rest only on items of the real crate, whatever such a module contains.
//! Each module here replaces an item on which they could rest. Modules that do not compile are in `compile_fail/derive/replaced_*.rs`.

#![allow(
    dead_code,
    reason = "generated code no longer uses what these modules replace"
)]
#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "signatures are those of the items that are replaced"
)]

use pshmem::local::Cluster;
use pshmem::{Columns, Comm, Error, Shared};
use pshmem_tests::temp_dir::TempDir;

/// Drops the comparison of a value's extents with its shape: more elements would be copied than there are.
mod no_comparison {
    pub use ::pshmem::*;

    pub mod __private {
        pub use ::pshmem::__private::*;

        use ::pshmem::Result;

        pub fn check_shape<D, F>(_: &str, _: Result<D>, _: &D, _: F) -> Result<()> {
            Ok(())
        }
    }

    #[derive(::pshmem::SharedLayout)]
    #[shared(crate = super::no_comparison, dims(n))]
    pub struct Gas {
        #[shared(shape = [n])]
        pub long: Vec<u64>,
        #[shared(shape = [n])]
        pub short: Vec<u64>,
    }
}

#[test]
fn extents_of_a_value_are_compared() {
    let value = || no_comparison::Gas {
        long: vec![1; 1000],
        short: vec![2],
    };
    let error = Shared::<no_comparison::Gas>::from_root(&Comm::solo(), 0, value).err();
    assert!(
        matches!(&error, Some(Error::Shape { field, .. }) if field == "short"),
        "{error:?}"
    );
}

/// Reports other extents than those of the value.
mod other_extents {
    pub use ::pshmem::*;

    pub mod __private {
        pub use ::pshmem::__private::*;

        use ::pshmem::Result;

        pub trait Larger {
            fn larger(self) -> Self;
        }
        impl Larger for usize {
            fn larger(self) -> Self {
                self + 1000
            }
        }
        pub fn inside<D: Larger>(_: &str, extents: Result<D>) -> Result<D> {
            extents.map(Larger::larger)
        }
    }

    #[derive(::pshmem::SharedLayout)]
    #[shared(crate = super::other_extents)]
    pub struct Gas {
        pub data: Vec<u64>,
    }
}

#[test]
fn extents_are_those_of_the_value() {
    let value = || other_extents::Gas { data: vec![1; 3] };
    let shared = Shared::<other_extents::Gas>::from_root(&Comm::solo(), 0, value).unwrap();
    assert_eq!(shared.view().data, [1; 3]);
}

/// Hands every rank all rows, so that two ranks would write the same ones at the same time.
mod all_rows {
    pub use ::pshmem::*;

    pub mod __private {
        pub use ::pshmem::__private::*;

        type Plan = <[f64] as Planned>::Plan;
        pub fn part_of(column: &Plan, _: &std::ops::Range<usize>) -> Plan {
            *column
        }
    }

    #[derive(Clone, Copy, ::pshmem::SharedColumns)]
    #[shared(crate = super::all_rows)]
    pub struct Particle {
        pub mass: f64,
    }
}

#[test]
fn parts_have_rows_of_their_own() {
    let lens = Cluster::new(&[2]).run(|comm| {
        let mut shared = Shared::<Columns<all_rows::Particle>>::new(comm, 10).unwrap();
        shared
            .update_parts(|rows, part| (rows.len(), part.mass.len()))
            .unwrap()
    });
    assert_eq!(lens, [(5, 5), (5, 5)]);
}

/// Replaces the layout of a field: plans fewer bytes than the field's handle uses.
mod other_layout {
    pub use ::pshmem::*;

    pub mod __private {
        pub use ::pshmem::__private::*;

        use ::pshmem::Result;
        type Bytes = Vec<u8>;

        pub trait RawLayout: Planned {
            type Dims;
            fn plan(dims: &usize, placer: &mut Placer) -> Result<Self::Plan>;
            fn dims_of(owned: &Self) -> Result<usize>;
            fn encode_dims(dims: &usize, out: &mut Vec<usize>);
            fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<usize>;
            /// # Safety
            /// None: reads no shared memory.
            unsafe fn view<'a>(plan: &Self::Plan, base: Base<'a>) -> &'a [u64];
            /// # Safety
            /// None: never called.
            unsafe fn view_mut<'a>(
                plan: &Self::Plan,
                base: BaseMut<'a>,
            ) -> ::pshmem::SliceMut<'a, u64>;
            /// # Safety
            /// None: writes no shared memory.
            unsafe fn store(plan: &Self::Plan, base: BaseMut<'_>, owned: &Self);
            /// # Safety
            /// None: reads no shared memory.
            unsafe fn load(plan: &Self::Plan, base: Base<'_>) -> Self;
        }

        impl RawLayout for Vec<u64> {
            type Dims = usize;
            fn plan(dims: &usize, placer: &mut Placer) -> Result<Self::Plan> {
                <Bytes as pshmem::SharedLayout>::plan(dims, placer)
            }
            fn dims_of(owned: &Self) -> Result<usize> {
                Ok(owned.len())
            }
            fn encode_dims(dims: &usize, out: &mut Vec<usize>) {
                out.push(*dims);
            }
            fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<usize> {
                from.next()
            }
            unsafe fn view<'a>(_: &Self::Plan, _: Base<'a>) -> &'a [u64] {
                &[]
            }
            unsafe fn view_mut<'a>(_: &Self::Plan, _: BaseMut<'a>) -> ::pshmem::SliceMut<'a, u64> {
                unreachable!()
            }
            unsafe fn store(_: &Self::Plan, _: BaseMut<'_>, _: &Self) {}
            unsafe fn load(_: &Self::Plan, _: Base<'_>) -> Self {
                Vec::new()
            }
        }
    }

    #[derive(::pshmem::SharedLayout)]
    #[shared(crate = super::other_layout)]
    pub struct Gas {
        pub data: Vec<u64>,
    }
}

#[test]
fn a_field_has_the_layout_of_its_type() {
    let dims = other_layout::GasDims { data: 1000 };
    let mut shared = Shared::<other_layout::Gas>::new(&Comm::solo(), dims).unwrap();
    assert_eq!(shared.bytes(), 8000);
    assert_eq!(shared.fields().data.view().len(), 1000);
}

/// Computes other extents than the shape says, other ones at each call: ranks would disagree about the position of every field.
mod changing_extents {
    pub use ::pshmem::*;

    pub mod __private {
        pub use ::pshmem::__private::*;

        use ::pshmem::Result;
        use std::cell::Cell;
        std::thread_local!(static CALLS: Cell<usize> = const { Cell::new(0) });

        pub struct Extent;
        impl Extent {
            pub fn of(_: usize) -> Self {
                Extent
            }
            pub fn get(self, _: &str, _: &dyn std::fmt::Debug) -> Result<usize> {
                CALLS.set(CALLS.get() + 1);
                Ok(CALLS.get())
            }
        }

        pub trait FromShape<const N: usize> {
            fn from_shape(shape: [usize; N]) -> Self;
            fn to_shape(&self) -> [usize; N];
        }
        impl FromShape<1> for usize {
            fn from_shape(_: [usize; 1]) -> Self {
                CALLS.set(CALLS.get() + 1);
                CALLS.get()
            }
            fn to_shape(&self) -> [usize; 1] {
                [*self]
            }
        }
    }

    type List = Vec<u64>;

    #[derive(::pshmem::SharedLayout)]
    #[shared(crate = super::changing_extents, dims(n))]
    pub struct Gas {
        #[shared(shape = [n])]
        pub data: Vec<u64>,
        #[shared(layout, shape = [n])]
        pub list: List,
    }
}

#[test]
fn extents_are_those_of_the_shape() {
    let dims = changing_extents::GasDims { n: 1000 };
    let shared = Shared::<changing_extents::Gas>::new(&Comm::solo(), dims).unwrap();
    let view = shared.view();
    assert_eq!((view.data.len(), view.list.len()), (1000, 1000));
}

/// Says that the flags are bytes, of which any value may be loaded.
mod other_leaves {
    pub use ::pshmem::*;

    pub mod __private {
        pub use ::pshmem::__private::*;

        use ::pshmem::Result;

        pub trait FileField<'a, const INDEX: usize, D> {
            fn file_leaves(name: &str, into: &mut FileLeaves);
            fn dims_from_shapes(name: &str, shapes: &mut LeafShapes<'_>) -> Result<D>;
        }
        impl<const INDEX: usize> FileField<'_, INDEX, usize> for Vec<bool> {
            fn file_leaves(name: &str, into: &mut FileLeaves) {
                into.field::<Vec<u8>>(name);
            }
            fn dims_from_shapes(name: &str, shapes: &mut LeafShapes<'_>) -> Result<usize> {
                shapes.field::<Vec<u8>>(name)
            }
        }
    }

    #[derive(::pshmem::SharedLayout)]
    #[shared(crate = super::other_leaves)]
    pub struct Gas {
        pub flags: Vec<bool>,
    }
}

#[test]
fn what_is_loaded_has_the_type_of_its_field() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flags");
    std::fs::create_dir(&path).unwrap();
    let bytes = Shared::<[u8]>::from_root(&Comm::solo(), 0, || vec![2]).unwrap();
    bytes.save(path.join("flags.npy")).unwrap();
    let load = || Shared::<other_leaves::Gas>::load(&Comm::solo(), &path).map(drop);
    let loaded = std::panic::catch_unwind(load);
    assert!(loaded.is_err(), "{loaded:?}");
}
