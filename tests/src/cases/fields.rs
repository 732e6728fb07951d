//! The calls of `Field`. An array or a single value is its own only field.

use ndarray::{Array2, array as matrix};
use pshmem::{Comm, Shared};

use crate::collective::check_same_text;
use crate::report::Outcome;
use crate::values::{assert_array_eq, assert_slice_eq};

/// Every call that `Field` has, on an array.
pub(crate) fn array_is_its_only_field(comm: &Comm) -> Outcome {
    let mut grid = Shared::<Array2<u64>>::new(comm, [2, 3])?;
    let last = comm.size() - 1;
    let mine = comm.rank() == last;
    let mut field = grid.fields();
    assert_eq!((field.dims(), field.bytes()), ([2, 3], 48));
    field.fill(1)?;
    field.set(
        last,
        [0, 1],
        mine.then(|| matrix![[2, 3]])
            .as_ref()
            .map(|block| block.view()),
    )?;
    field.set_with(0, [1, 0], || matrix![[4]])?;
    field.assign(
        [1, 1],
        mine.then(|| matrix![[5]])
            .as_ref()
            .map(|block| block.view()),
    )?;
    assert_eq!(
        field.update(last, |mut w| w[[1, 2]] = 6)?,
        mine.then_some(())
    );
    assert_array_eq(field.view(), matrix![[1, 2, 3], [4, 5, 6]].view());
    assert_array_eq(field.to_owned().view(), field.view());
    assert!(field.to_string().contains("[2, 3]"));
    check_same_text(comm, &format!("{field:?}"))?;
    assert!(field.try_update(0, |_| Err::<(), _>("no")).is_err());
    field.update_per_node(|mut w| w[[0, 0]] = 9)?;
    assert!(field.try_update_per_node(|_| Err::<(), _>("no")).is_err());
    assert_array_eq(grid.view(), matrix![[9, 2, 3], [4, 5, 6]].view());
    Ok(())
}

/// `update` of a single value.
pub(crate) fn value_is_its_only_field(comm: &Comm) -> Outcome {
    let mut value = Shared::<f64>::new(comm, ())?;
    for root in 0..comm.size() {
        value.fields().update(root, |mut w| *w += 0.5)?;
    }
    assert_eq!(
        value.view().to_bits(),
        (0.5 * f64::from(comm.size() as u32)).to_bits()
    );
    Ok(())
}

/// Some ranks may call an array and others its only field: it is the same collective call.
pub(crate) fn calls_mix(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u8]>::new(comm, 3)?;
    let data = [1, 2, 3];
    if comm.rank() == 0 {
        list.set(0, 0, Some(&data))?;
    } else {
        list.fields().set(0, 0, None)?;
    }
    assert_slice_eq(list.view(), &data);
    Ok(())
}
