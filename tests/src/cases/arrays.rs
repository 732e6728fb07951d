//! Numbers of dimensions, blocks, empty extents, and sources of any memory order.

use ndarray::{Array, Array1, Array2, Array3, Dim, ShapeBuilder, Slice, s};
use pshmem::{Comm, Shared};

use crate::report::Outcome;
use crate::values::{array, assert_array_eq, assert_slice_eq};

/// Arrays of `$n` dimensions: blocks at both ends of every axis, from changing roots, compared with an `ndarray` model.
macro_rules! dimensions {
    ($($(#[$doc:meta])* $case:ident: $n:literal, $shape:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $case(comm: &Comm) -> Outcome {
            let shape: [usize; $n] = $shape;
            let mut shared = Shared::<Array<u64, Dim<[usize; $n]>>>::new(comm, shape)?;
            assert_eq!(shared.dims(), shape);
            let mut model = Array::<u64, _>::zeros(Dim(shape));
            for corner in 0..1_usize << $n {
                let extents = shape.map(|extent| extent.div_ceil(2));
                let mut offset = [0; $n];
                for axis in (0..$n).filter(|axis| corner >> axis & 1 == 1) {
                    offset[axis] = shape[axis] - extents[axis];
                }
                let block = array(corner, Dim(extents));
                model
                    .slice_each_axis_mut(|axis| {
                        let at = offset[axis.axis.index()];
                        Slice::from(at..at + extents[axis.axis.index()])
                    })
                    .assign(&block);
                let root = corner % comm.size();
                shared.set(root, offset, (comm.rank() == root).then(|| block.view()))?;
                assert_array_eq(shared.view(), model.view());
            }
            shared.update(comm.size() - 1, |mut w| w.map_inplace(|x| *x = x.wrapping_mul(3)))?;
            model.map_inplace(|x| *x = x.wrapping_mul(3));
            assert_array_eq(shared.view(), model.view());
            let copy = Shared::<Array<u64, Dim<[usize; $n]>>>::from_root(comm, 0, || model.clone())?;
            assert_array_eq(copy.to_owned().view(), model.view());
            Ok(())
        }
    )*};
}

dimensions! {
    /// One dimension.
    one_dimension: 1, [11];
    /// Two dimensions.
    two_dimensions: 2, [5, 6];
    /// Three dimensions.
    three_dimensions: 3, [4, 5, 3];
    /// Four dimensions.
    four_dimensions: 4, [3, 2, 4, 3];
    /// Five dimensions, one of extent 1.
    five_dimensions: 5, [2, 3, 1, 2, 3];
    /// Six dimensions.
    six_dimensions: 6, [2, 1, 3, 2, 2, 3];
}

/// Arrays with extent 0 in any axis: every call works.
pub(crate) fn empty_extents(comm: &Comm) -> Outcome {
    let last = comm.size() - 1;
    for shape in [
        [0, 3, 2],
        [3, 0, 2],
        [3, 2, 0],
        [0, 0, 0],
        [0, 1 << 20, 1 << 20],
    ] {
        let mut shared = Shared::<Array3<u64>>::new(comm, shape)?;
        assert_eq!(
            (shared.dims(), shared.bytes(), shared.view().len()),
            (shape, 0, 0)
        );
        let nothing = Array3::<u64>::zeros(shape);
        let mine = (comm.rank() == last).then(|| nothing.view());
        shared.set(last, [0; 3], mine)?;
        // An empty block is in bounds at the end of every axis.
        let block = Array3::<u64>::zeros([0; 3]);
        shared.assign(shape, (comm.rank() == last).then(|| block.view()))?;
        shared.fill(7)?;
        shared.update(last, |mut w| w.fill(8))?;
        shared.update_per_node(|mut w| w.fill(9))?;
        assert_eq!(shared.to_owned().shape(), shape);
        let _ = (shared.to_string(), format!("{shared:?}"));
    }
    let made = Shared::<Array2<u8>>::from_root(comm, last, || Array2::zeros([4, 0]))?;
    assert_eq!(made.dims(), [4, 0]);
    // An empty block written into an array with elements changes nothing.
    let mut full = Shared::<Array2<u8>>::from_root(comm, 0, || Array2::ones([2, 2]))?;
    full.set(last, [2, 0], Some(Array2::zeros([0, 2]).view()))?;
    full.set(last, [1, 1], Some(Array2::zeros([1, 0]).view()))?;
    assert_array_eq(full.view(), Array2::ones([2, 2]).view());
    Ok(())
}

/// Slices without elements, and empty blocks in slices.
pub(crate) fn empty_slices(comm: &Comm) -> Outcome {
    let last = comm.size() - 1;
    let mut none = Shared::<[f64]>::new(comm, 0)?;
    none.set(last, 0, Some(&[]))?;
    none.fill(1.0)?;
    none.update(last, |mut w| w.reverse())?;
    assert!(none.view().is_empty() && none.to_owned().is_empty());
    assert_eq!(
        Shared::<Vec<u8>>::from_root(comm, last, Vec::new)?.dims(),
        0
    );
    let mut some = Shared::<[u8]>::from_root(comm, 0, || vec![1, 2])?;
    some.set(last, 2, Some(&[]))?;
    some.assign(0, (comm.rank() == last).then_some(&[]))?;
    assert_slice_eq(some.view(), &[1, 2]);
    Ok(())
}

/// Blocks of one and of two elements at each of the eight corners, and the whole array, written by different ranks.
pub(crate) fn blocks_at_corners(comm: &Comm) -> Outcome {
    let shape = [4, 5, 6];
    let mut shared = Shared::<Array3<u64>>::new(comm, shape)?;
    let mut model = Array3::zeros(shape);
    let mut round = 0;
    for extents in [[1; 3], [2; 3], [1, 2, 6], [4, 5, 1], [4, 5, 6]] {
        for corner in 0..8 {
            let at = |axis: usize| {
                if corner >> axis & 1 == 1 {
                    shape[axis] - extents[axis]
                } else {
                    0
                }
            };
            let [i, j, k] = [at(0), at(1), at(2)];
            let block = array(100 + round, Dim(extents));
            model
                .slice_mut(s![i..i + extents[0], j..j + extents[1], k..k + extents[2]])
                .assign(&block);
            let mine = comm.rank() == round % comm.size();
            shared.assign([i, j, k], mine.then(|| block.view()))?;
            assert_array_eq(shared.view(), model.view());
            round += 1;
        }
    }
    Ok(())
}

/// Sources that are transposed, strided, reversed, or one repeated element.
pub(crate) fn sources_in_any_memory_order(comm: &Comm) -> Outcome {
    let mut shared = Shared::<Array2<u64>>::new(comm, [7, 8])?;
    let mut model = Array2::zeros([7, 8]);
    let wide = array(1, Dim([5, 3]));
    let large = array(2, Dim([6, 10]));
    let fortran = Array2::from_shape_fn([3, 5].f(), |(i, j)| (10 * i + j) as u64);
    let single = array(3, Dim([1, 1]));
    let sources = [
        wide.t(),
        large.slice(s![..;2, ..;2]),
        large.slice(s![1..4;-1, ..5;-1]),
        large.slice(s![3.., 3..8]),
        large.slice(s![..3, 1..;-2]),
        fortran.view(),
        single
            .broadcast([3, 5])
            .expect("one element broadcasts to any shape"),
        large.t().slice_move(s![..3, ..5]),
    ];
    for (round, source) in sources.iter().enumerate() {
        for root in 0..comm.size() {
            let [i, j] = [(round + root) % 5, (2 * round + root) % 4];
            model.slice_mut(s![i..i + 3, j..j + 5]).assign(source);
            if round % 2 == 0 {
                shared.set(root, [i, j], (comm.rank() == root).then(|| source.view()))?;
            } else {
                shared.set_with(root, [i, j], || source.view())?;
            }
            assert_array_eq(shared.view(), model.view());
        }
    }
    let mut line = Shared::<Array1<u64>>::new(comm, [10])?;
    line.set(0, [0], Some(large.column(4).slice_move(s![..;-1])))?;
    assert_array_eq(line.view().slice_move(s![..6;-1]), large.column(4));
    Ok(())
}

/// `from_root` takes arrays of any memory order, and stores them in row-major order.
pub(crate) fn owned_values_in_any_memory_order(comm: &Comm) -> Outcome {
    let logical = array(1, Dim([4, 3]));
    let mut reversed = logical.clone();
    reversed.invert_axis(ndarray::Axis(0));
    let mut fortran = Array2::zeros([4, 3].f());
    fortran.assign(&logical);
    for root in 0..comm.size() {
        for source in [
            &logical,
            &reversed,
            &fortran,
            &logical.clone().reversed_axes(),
        ] {
            let shared = Shared::<Array2<u64>>::from_root(comm, root, || source.clone())?;
            assert_array_eq(shared.view(), source.view());
            assert!(shared.view().is_standard_layout());
        }
    }
    Ok(())
}
