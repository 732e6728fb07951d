//! Implements [`StackLayout`] for the layouts of this crate.

use crate::error::Result;
use crate::layout::stack::parts::StackData;
use crate::layout::stack::{AsRows, StackLayout, StackParts, StackShapes};
use crate::layout::{
    BlockLayout, Columns, Csr, CsrDims, Element, Ragged, RaggedDims, SharedColumns, Strings, Text,
    Value,
};

/// Implements `StackLayout` for layouts whose rows are blocks.
macro_rules! blocks {
    ($([$($generics:tt)*] $layout:ty, |$owned:ident: $owned_type:ty| $block:expr, |$shape:ident: $axes:literal| $dims:expr;)*) => {$(
        impl<$($generics)*> StackLayout for $layout {
            type Rows<'r> = <Self as BlockLayout>::Block<'r>;

            fn rows_of($owned: &$owned_type) -> Self::Rows<'_> {
                $block
            }

            fn parts<'r>(rows: Self::Rows<'r>, into: &mut StackParts<'r>) -> Result<()> {
                into.add::<T>(StackData::Elements {
                    extents: <Self as BlockLayout>::extents(&rows),
                    copy: Box::new(move |range, into| {
                        let mut buffer = Vec::new();
                        let elements = <Self as BlockLayout>::run_of(&rows, range, &mut buffer);
                        into.copy_from_slice(bytemuck::cast_slice(elements));
                    }),
                });
                Ok(())
            }

            fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<Self::Dims> {
                let $shape = shapes.take::<$axes>();
                Ok($dims)
            }
        }
    )*};
}

macro_rules! arrays {
    ($($n:literal)*) => {
        blocks! {$(
            [T: Element] ndarray::Array<T, ndarray::Dim<[usize; $n]>>, |owned: Self| owned.view(), |shape: $n| shape;
        )*}
    };
}

blocks! {
    [T: Element] [T], |owned: Vec<T>| owned, |shape: 1| shape[0];
    [T: Element] Vec<T>, |owned: Vec<T>| owned, |shape: 1| shape[0];
    [T: Element] Box<[T]>, |owned: Box<[T]>| owned, |shape: 1| shape[0];
}
arrays!(1 2 3 4 5 6);

impl<P: SharedColumns> StackLayout for Columns<P> {
    type Rows<'r> = &'r [P];

    fn rows_of(owned: &Vec<P>) -> &[P] {
        owned
    }

    fn parts<'r>(rows: &'r [P], into: &mut StackParts<'r>) -> Result<()> {
        P::stack_columns(rows, into);
        Ok(())
    }

    fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<usize> {
        let mut none = StackParts::default();
        P::stack_columns(&[], &mut none);
        let [len] = shapes.take();
        for _ in 1..none.into_parts().len() {
            let _: [usize; 1] = shapes.take();
        }
        Ok(len)
    }
}

impl<P: SharedColumns> AsRows<Columns<P>> for Vec<P> {
    fn as_rows(&self) -> &[P] {
        self
    }
}

impl<P: SharedColumns> AsRows<Columns<P>> for [P] {
    fn as_rows(&self) -> &[P] {
        self
    }
}

impl<P: SharedColumns> AsRows<Columns<P>> for Columns<P> {
    fn as_rows(&self) -> &[P] {
        self
    }
}

/// Implements `StackLayout` for rows of `$t`s.
macro_rules! rows {
    ([$($generics:tt)*] $layout:ty, $t:ty, $items:literal, |$rows:ident| $elements:expr) => {
        impl<$($generics)*> StackLayout for $layout {
            type Rows<'r> = &'r Self;

            fn rows_of(owned: &Self) -> &Self {
                owned
            }

            fn parts<'r>($rows: &'r Self, into: &mut StackParts<'r>) -> Result<()> {
                into.part::<u64>("used", StackData::Derived);
                into.offsets("offsets", $rows.view().offsets(), Vec::new());
                into.elements::<$t>($items, $elements);
                Ok(())
            }

            fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<RaggedDims> {
                let ([rows], [items]) = (shapes.take(), shapes.take());
                Ok(RaggedDims { rows, items })
            }
        }

        impl<$($generics)*> AsRows<$layout> for $layout {
            fn as_rows(&self) -> &Self {
                self
            }
        }
    };
}

rows!([T: Element] Ragged<T>, T, "items", |rows| rows.view().as_slice());
rows!([] Strings, u8, "bytes", |rows| rows.view().text().as_bytes());

impl<T: Element> StackLayout for Csr<T> {
    type Rows<'r> = &'r Self;

    fn rows_of(owned: &Self) -> &Self {
        owned
    }

    fn parts<'r>(matrix: &'r Self, into: &mut StackParts<'r>) -> Result<()> {
        into.offsets("indptr", matrix.indptr(), vec![matrix.cols()]);
        into.elements("indices", matrix.indices());
        into.elements("data", matrix.values());
        Ok(())
    }

    fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<CsrDims> {
        let ([rows, cols], [nnz], [_]) = (shapes.take(), shapes.take(), shapes.take());
        Ok(CsrDims { rows, cols, nnz })
    }
}

impl<T: Element> AsRows<Csr<T>> for Csr<T> {
    fn as_rows(&self) -> &Self {
        self
    }
}

/// Values have no rows. They are here to be common fields of structs.
impl<T: Element> StackLayout for Value<T> {
    type Rows<'r> = &'r T;

    fn rows_of(owned: &T) -> &T {
        owned
    }

    fn parts<'r>(value: &'r T, into: &mut StackParts<'r>) -> Result<()> {
        into.add::<T>(StackData::Elements {
            extents: Vec::new(),
            copy: Box::new(move |_, into| into.copy_from_slice(bytemuck::bytes_of(value))),
        });
        Ok(())
    }

    fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<()> {
        let [] = shapes.take();
        Ok(())
    }
}

/// As for values.
impl StackLayout for Text {
    type Rows<'r> = &'r Text;

    fn rows_of(owned: &Text) -> &Text {
        owned
    }

    fn parts<'r>(text: &'r Text, into: &mut StackParts<'r>) -> Result<()> {
        into.part::<u64>("used", StackData::Derived);
        into.elements("bytes", text.as_bytes());
        Ok(())
    }

    fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<usize> {
        let [bytes] = shapes.take();
        Ok(bytes)
    }
}
