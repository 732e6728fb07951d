//! Sparse matrices beside models: maps, and what the definition says.

use super::{Csr, CsrDims, CsrError, CsrMut, MAX_COLUMNS};
use crate::layout::composite::Composite;
use crate::layout::composite::in_memory::InMemory;
use crate::local::Cluster;
use crate::{Comm, Error, Shared};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Add;

/// A value that remembers of what it is the sum, in which order.
#[derive(Debug, Clone, PartialEq)]
struct Sum(Vec<usize>);

impl Add for Sum {
    type Output = Self;
    fn add(mut self, mut other: Self) -> Self {
        self.0.append(&mut other.0);
        self
    }
}

/// A matrix in private memory.
type Matrix = InMemory<Csr<i64>>;

/// The names of the parts that were written since the last call.
fn written(matrix: &Matrix) -> Vec<&'static str> {
    matrix.written(Csr::<i64>::NAMES)
}

fn dims(rows: usize, cols: usize, nnz: usize) -> CsrDims {
    CsrDims { rows, cols, nnz }
}

/// 2 0 1
/// 0 0 3
fn small() -> Csr<i64> {
    Csr::from_triplets((2, 3), [(0, 2, 1), (0, 0, 2), (1, 2, 3)]).unwrap()
}

/// Whether the arrays are a matrix, from the definition, value by value.
fn is_matrix((rows, cols): (usize, usize), indptr: &[u64], indices: &[u32]) -> bool {
    let ends_fit = indptr.len() == rows + 1
        && indptr[0] == 0
        && indptr[rows] == indices.len() as u64
        && (0..rows).all(|row| indptr[row] <= indptr[row + 1]);
    let row_is_fine = |row: usize| {
        let start = indptr[row] as usize;
        let of_row = &indices[start..indptr[row + 1] as usize];
        (0..of_row.len()).all(|at| {
            (of_row[at] as usize) < cols && of_row[..at].iter().all(|before| *before < of_row[at])
        })
    };
    ends_fit && (0..rows).all(row_is_fine)
}

fn shape_and_triplets() -> impl Strategy<Value = ((usize, usize), Vec<(usize, usize)>)> {
    let triplets = |(rows, cols): (usize, usize)| vec((0..rows, 0..cols), 0..40);
    (1_usize..7, 1_usize..7).prop_flat_map(move |shape| (Just(shape), triplets(shape)))
}

/// Arrays that are sometimes a matrix.
fn arrays() -> impl Strategy<Value = ((usize, usize), Vec<u64>, Vec<u32>)> {
    let shape = (0_usize..4, 0_usize..5);
    let offsets = prop_oneof![9 => 0_u64..5, 1 => any::<u64>()];
    let cols = prop_oneof![9 => 0_u32..5, 1 => any::<u32>()];
    let sorted = (vec(offsets, 0..6), any::<bool>()).prop_map(|(mut offsets, sort)| {
        if sort {
            offsets.sort_unstable();
            offsets.insert(0, 0);
        }
        offsets
    });
    (shape, sorted, vec(cols, 0..6))
}

proptest! {
    #[test]
    fn triplets_are_sorted_and_summed_in_their_order((shape, places) in shape_and_triplets()) {
        let mut model = BTreeMap::<_, Vec<usize>>::new();
        for (number, &place) in places.iter().enumerate() {
            model.entry(place).or_default().push(number);
        }
        let numbered = places.iter().enumerate();
        let matrix = Csr::from_triplets(shape, numbered.map(|(number, &(row, col))| (row, col, Sum(vec![number]))));
        let matrix = matrix.unwrap();
        prop_assert_eq!((matrix.rows(), matrix.cols(), matrix.nnz()), (shape.0, shape.1, model.len()));
        prop_assert!(is_matrix(shape, matrix.indptr(), matrix.indices()));
        let expected = model.iter().map(|(&(row, col), sum)| (row, col, sum));
        let found = matrix.view().iter().map(|(row, col, value)| (row, col, &value.0));
        prop_assert!(expected.eq(found), "{:?}", matrix);
        for row in 0..=shape.0 {
            for col in 0..=shape.1 {
                let value = matrix.view().get(row, col).map(|sum| &sum.0);
                prop_assert_eq!(value, model.get(&(row, col)));
            }
        }
        let (indptr, indices) = (matrix.indptr().to_vec(), matrix.indices().to_vec());
        let again = Csr::from_parts(shape, indptr, indices, matrix.values().to_vec());
        prop_assert_eq!(again, Ok(matrix));
    }

    #[test]
    fn parts_are_accepted_exactly_if_they_are_a_matrix((shape, indptr, indices) in arrays()) {
        let values = indices.clone();
        let made = Csr::from_parts(shape, indptr.clone(), indices.clone(), values);
        prop_assert_eq!(made.is_ok(), is_matrix(shape, &indptr, &indices), "{:?}", made);
    }

    #[test]
    fn bytes_are_accepted_exactly_if_they_are_a_matrix(
        (shape, mut indptr, indices) in arrays(),
        spare in 0_usize..3,
    ) {
        let last = indptr.last().copied().unwrap_or(0);
        indptr.resize(shape.0 + 1, last);
        let dims = dims(shape.0, shape.1, indices.len());
        let leaves: [&[u8]; 3] = [bytemuck::cast_slice(&indptr), bytemuck::cast_slice(&indices), &[]];
        let checked = Csr::<i64>::check(&dims, &leaves);
        // Column numbers behind the last row are not in use.
        let used = indices.get(..*indptr.last().unwrap() as usize);
        let is_consistent = used.is_some_and(|used| is_matrix(shape, &indptr, used));
        prop_assert_eq!(checked.is_ok(), is_consistent, "{:?}", checked);
        if is_consistent {
            let nnz = used.unwrap().len();
            prop_assert_eq!(Csr::<i64>::lengths(&dims, &leaves), [shape.0 + 1, nnz, nnz]);
            let mut copies = (indptr.clone(), indices.clone());
            let leaves = &mut [bytemuck::cast_slice_mut(&mut copies.0), bytemuck::cast_slice_mut(&mut copies.1), &mut []];
            let completed = Csr::<i64>::complete(&dims, &[shape.0 + 1, nnz, nnz + spare], leaves);
            prop_assert_eq!(completed.is_ok(), spare == 0, "{:?}", completed);
        }
    }

    #[test]
    fn what_is_assigned_is_read((shape, places) in shape_and_triplets(), nnz in 0_usize..40) {
        let triplets = places.iter().zip(0..).map(|(&(row, col), number)| (row, col, number));
        let matrix = Csr::from_triplets(shape, triplets).unwrap();
        let dims = dims(shape.0, shape.1, nnz);
        let mut stored = Matrix::new(&dims);
        let assigned = stored.view_mut().assign(&matrix);
        prop_assert_eq!(assigned.is_ok(), matrix.nnz() <= nnz);
        prop_assert_eq!(stored.check(), Ok(()));
        if assigned.is_ok() {
            prop_assert_eq!(stored.view(), matrix.view());
            prop_assert_eq!(<Csr<i64> as Composite>::load(stored.view()), matrix);
        } else {
            prop_assert_eq!(stored.view().nnz(), 0);
            prop_assert_eq!(written(&stored), [""; 0]);
        }
    }
}

#[test]
fn triplets_outside_are_refused() {
    let outside = |triplet, row, col| CsrError::OutOfRange {
        triplet,
        row,
        col,
        rows: 2,
        cols: 3,
    };
    let made = |triplets: &[(usize, usize, i64)]| Csr::from_triplets((2, 3), triplets.to_vec());
    assert_eq!(made(&[(2, 0, 1)]), Err(outside(0, 2, 0)));
    assert_eq!(made(&[(0, 0, 1), (1, 3, 1)]), Err(outside(1, 1, 3)));
    let huge = 1 << 32;
    assert_eq!(made(&[(0, huge, 1)]), Err(outside(0, 0, huge)));
    assert_eq!(made(&[]).unwrap().indptr(), [0, 0, 0]);
}

#[test]
fn shapes_without_places() {
    for shape in [(0, 0), (0, 3), (3, 0)] {
        let matrix = Csr::from_triplets(shape, [(0, 0, 1); 0]).unwrap();
        assert_eq!(
            (matrix.rows(), matrix.cols(), matrix.nnz()),
            (shape.0, shape.1, 0)
        );
        assert_eq!(matrix.view().iter().count(), 0);
        assert_eq!(matrix.view().get(0, 0), None);
        assert!(Csr::from_triplets(shape, [(0, 0, 1)]).is_err());
    }
}

#[test]
fn columns_are_numbered_with_32_bits() {
    let last = MAX_COLUMNS - 1;
    let matrix = Csr::from_triplets((1, MAX_COLUMNS), [(0, last, 1), (0, 0, 2)]).unwrap();
    assert_eq!(matrix.row(0), (&[0, u32::MAX][..], &[2, 1][..]));
    assert_eq!(matrix.view().get(0, last), Some(&1));
    assert_eq!(matrix.view().get(0, MAX_COLUMNS), None);
    let cols = MAX_COLUMNS + 1;
    let too_many = Err(CsrError::TooManyColumns { cols });
    assert_eq!(Csr::from_triplets((1, cols), [(0, 0, 1)]), too_many);
    let made = Csr::from_parts((1, cols), vec![0, 0], vec![], vec![0; 0]);
    assert_eq!(made, too_many);
}

#[test]
fn parts_of_different_lengths_are_refused() {
    let made = Csr::from_parts((1, 3), vec![0, 2], vec![0, 1], vec![1]);
    let (indices, values) = (2, 1);
    assert_eq!(made, Err(CsrError::ValueCount { indices, values }));
}

#[test]
#[should_panic(expected = "row 2 of 2 rows")]
fn rows_are_checked() {
    let _ = small().row(2);
}

#[test]
#[should_panic(expected = "row 2 of 2 rows")]
fn rows_in_updates_are_checked() {
    let _ = Matrix::new(&dims(2, 3, 5)).view_mut().row_mut(2);
}

#[test]
fn only_what_is_written_is_sent() {
    let mut stored = Matrix::new(&dims(2, 3, 5));
    assert_eq!(stored.view().nnz(), 0);
    assert_eq!(stored.view().row(1), (&[][..], &[][..]));
    assert_eq!(written(&stored), [""; 0]);
    stored.view_mut().assign(&small()).unwrap();
    assert_eq!(written(&stored), ["indptr", "indices", "data"]);
    stored.view_mut().values_mut()[0] = 7;
    assert_eq!(written(&stored), ["data"]);
    let mut w = stored.view_mut();
    let (cols, values) = w.row_mut(1);
    assert_eq!((cols, &*values), (&[2][..], &[3][..]));
    values[0] = 8;
    assert_eq!(written(&stored), ["data"]);
    assert_eq!(stored.view_mut().view().get(1, 2), Some(&8));
    assert_eq!(written(&stored), [""; 0]);
    assert_eq!(stored.view().values(), [7, 1, 8]);
}

#[test]
fn values_one_by_one() {
    let dims = dims(5, 3, 7);
    let mut matrix = Csr::from_triplets((5, 3), [(1, 2, 4), (1, 0, 3), (4, 1, 5)]).unwrap();
    let mut stored = Matrix::new(&dims);
    assert_eq!(stored.view().iter().next(), None);
    stored.view_mut().assign(&matrix).unwrap();
    assert!(matrix == stored.view() && stored.view() == matrix);
    let entries = [(1, 0, &3), (1, 2, &4), (4, 1, &5)];
    assert!(stored.view().into_iter().eq(entries) && (&matrix).into_iter().eq(entries));
    let mut rest = stored.view().iter();
    assert_eq!((rest.nth(1), rest.len()), (Some((1, 2, &4)), 1));
    stored.forget_writes();
    assert_eq!(stored.view_mut().capacity(), dims);
    assert_eq!(stored.view_mut().get_mut(1, 1), None);
    assert_eq!(stored.view_mut().get_mut(5, 0), None);
    assert!(written(&stored).is_empty());
    *stored.view_mut().get_mut(4, 1).unwrap() = 6;
    assert_eq!(written(&stored), ["data"]);
    assert!(matrix != stored.view());
    *matrix.get_mut(4, 1).unwrap() += 1;
    assert!(matrix == stored.view());
    assert_eq!(matrix.row_mut(4), (&[1][..], &mut [6][..]));
    stored.view_mut().clear();
    assert_eq!(stored.check(), Ok(()));
    assert_eq!((stored.view().nnz(), stored.view().rows()), (0, 5));
    let none = Csr::<i64>::default();
    assert!(none == Csr::from_triplets((0, 0), []).unwrap() && none.iter().len() == 0);
}

#[test]
fn another_shape_is_refused() {
    for (rows, cols) in [(3, 3), (1, 3), (2, 4)] {
        let mut stored = Matrix::new(&dims(rows, cols, 9));
        let full = stored.view_mut().assign(&small()).unwrap_err();
        assert_eq!(
            full.to_string(),
            format!(
                "a matrix of 2 rows and 3 columns cannot replace one of {rows} rows and {cols} columns"
            )
        );
        assert_eq!(written(&stored), [""; 0]);
    }
    let full = Matrix::new(&dims(2, 3, 2)).view_mut().assign(&small());
    let text = "3 values are needed, but there is room for 2";
    assert_eq!(full.unwrap_err().to_string(), text);
}

#[test]
fn every_broken_part_is_found() {
    let dims = dims(2, 3, 4);
    let whole = || {
        let mut stored = Matrix::new(&dims);
        stored.view_mut().assign(&small()).unwrap();
        stored
    };
    assert_eq!(whole().check(), Ok(()));
    let broken = |change: fn(&mut CsrMut<'_, i64>), text: &str| {
        let mut stored = whole();
        change(&mut stored.view_mut());
        assert_eq!(stored.check(), Err(text.to_owned()));
    };
    broken(|w| w.indptr[0] = 1, "`indptr` begins with 1 instead of 0");
    broken(|w| w.indptr[1] = 4, "`indptr` falls from 4 to 3 at row 1");
    let last = "`indptr` ends with 5, but there is room for 4 values";
    broken(|w| w.indptr[2] = 5, last);
    // The element behind the last one is 0.
    let order = "in row 1, column 0 comes after column 2, but the columns of a row must rise";
    broken(|w| w.indptr[2] = 4, order);
    let col = "row 1 has a value in column 3, but the matrix has 3 columns";
    broken(|w| w.indices[2] = 3, col);
}

#[test]
fn equal_on_all_nodes() {
    let nodes = Cluster::new(&[2, 1]).run_ok(|comm: &Comm| -> crate::Result<Csr<i64>> {
        let mut matrix = Shared::<Csr<i64>>::new(comm, dims(2, 3, 5))?;
        assert_eq!((matrix.view().rows(), matrix.view().nnz()), (2, 0));
        matrix.try_update(2, |mut w| w.assign(&small()))?;
        assert_eq!(matrix.view(), small().view());
        matrix.update(0, |mut w| w.row_mut(0).1[1] = 10)?;
        assert_eq!(matrix.view().get(0, 2), Some(&10));
        let copy = Shared::from_root(comm, 1, || matrix.to_owned())?;
        assert_eq!(copy.dims(), dims(2, 3, 3));
        assert_eq!(copy.view(), matrix.view());
        Ok(copy.to_owned())
    });
    for matrix in nodes {
        assert_eq!(matrix.values(), [2, 10, 3]);
    }
}

#[test]
fn extents_that_cannot_be_are_the_same_error_on_all_ranks() {
    let results = Cluster::new(&[1, 1]).run(|comm| {
        let made = |dims| Shared::<Csr<f64>>::new(comm, dims).map(|_| ()).unwrap_err();
        let (cols, rows) = (
            made(dims(1, MAX_COLUMNS + 1, 0)),
            made(dims(usize::MAX, 1, 0)),
        );
        let values = made(dims(1, MAX_COLUMNS, usize::MAX));
        assert!(Shared::<Csr<f64>>::new(comm, dims(1, MAX_COLUMNS, 1)).is_ok());
        (cols, rows, values)
    });
    for (cols, rows, values) in results {
        assert_eq!(
            cols,
            Error::TooManyColumns {
                cols: MAX_COLUMNS + 1
            }
        );
        assert!(matches!(rows, Error::TooLarge { .. }), "{rows}");
        assert!(matches!(values, Error::TooLarge { .. }), "{values}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn saved_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matrix");
    let rewrite = |name: &str, from: &[u8], to: &[u8]| {
        let file = path.join(name);
        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.windows(from.len()).rposition(|found| found == from);
        bytes[at.unwrap()..][..to.len()].copy_from_slice(to);
        std::fs::write(file, bytes).unwrap();
    };
    Cluster::new(&[1, 1]).run_ok(|comm: &Comm| {
        let mut matrix = Shared::<Csr<i64>>::new(comm, dims(2, 3, 7))?;
        matrix.try_update(0, |mut w| w.assign(&small()))?;
        matrix.save(&path)?;
        let loaded = Shared::<Csr<i64>>::load(comm, &path)?;
        assert_eq!((loaded.dims(), loaded.to_owned()), (dims(2, 3, 3), small()));
        let mut other = Shared::<Csr<i64>>::new(comm, dims(2, 3, 4))?;
        other.read_from(&path)?;
        assert_eq!(other.to_owned(), small());
        for (rows, cols, nnz) in [(2, 4, 4), (3, 3, 4), (1, 3, 4), (2, 3, 2)] {
            let mut other = Shared::<Csr<i64>>::new(comm, dims(rows, cols, nnz))?;
            other.read_from(&path).unwrap_err();
            assert_eq!(other.view().nnz(), 0);
        }
        // A column number that is none: 2 in the second row becomes 3.
        comm.barrier()?;
        if comm.rank() == 0 {
            rewrite("indices.npy", &[2, 0, 0, 0], &[3, 0, 0, 0]);
        }
        comm.barrier()?;
        let text = other.read_from(&path).unwrap_err().to_string();
        let why = "row 1 has a value in column 3, but the matrix has 3 columns";
        assert!(text.contains(why), "{text}");
        assert_eq!((other.view().rows(), other.view().nnz()), (2, 0));
        let text = Shared::<Csr<i64>>::load(comm, &path)
            .unwrap_err()
            .to_string();
        assert!(text.contains(why), "{text}");
        // Another shape.
        if comm.rank() == 0 {
            rewrite("shape.npy", &[2, 0, 0, 0, 0, 0, 0, 0, 3], &[1]);
        }
        comm.barrier()?;
        let error = Shared::<Csr<i64>>::load(comm, &path).unwrap_err();
        assert!(error.to_string().contains("field `indptr`"), "{error}");
        Ok::<_, Error>(())
    });
}

#[test]
fn summaries_show_the_first_values() {
    let shown = |triplets: usize| {
        let triplets = (0..triplets)
            .zip(0..)
            .map(|(at, value)| (at % 2, at, value));
        let matrix = Csr::from_triplets((2, 9), triplets).unwrap();
        let shared = Shared::from_root(&Comm::solo(), 0, || matrix).unwrap();
        shared.to_string()
    };
    assert!(shown(0).contains("2 x 9 with 0 values"), "{}", shown(0));
    let three = "2 x 9 with 3 values: (0, 0) 0, (0, 2) 2, (1, 1) 1";
    assert!(shown(3).contains(three), "{}", shown(3));
    let nine = "(0, 8) 8, (1, 1) 1, (1, 3) 3, (1, 5) 5, ..";
    assert!(shown(9).contains(nine), "{}", shown(9));
    assert_eq!(
        format!("{:?}", small().view()),
        "2 x 3 {(0, 0): 2, (0, 2): 1, (1, 2): 3}"
    );
}
