//! The calls of `Field`; an array or a value is its own only field.

use ndarray::{Array2, array as matrix};
use pshmem::{Comm, Shared};

use crate::check::{all_say, assert_equal, assert_same};
use crate::report::Outcome;

/// Every call of `Shared`, through the handle.
pub fn an_array_is_its_own_field(comm: &Comm) -> Outcome {
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
    assert_same(field.view(), matrix![[1, 2, 3], [4, 5, 6]].view());
    assert_same(field.to_owned().view(), field.view());
    assert!(field.to_string().contains("[2, 3]"));
    all_say(comm, &format!("{field:?}"))?;
    assert!(field.try_update(0, |_| Err::<(), _>("no")).is_err());
    field.update_per_node(|mut w| w[[0, 0]] = 9)?;
    assert!(field.try_update_per_node(|_| Err::<(), _>("no")).is_err());
    assert_same(grid.view(), matrix![[9, 2, 3], [4, 5, 6]].view());
    Ok(())
}

/// A single value.
pub fn a_value_is_its_own_field(comm: &Comm) -> Outcome {
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

/// An array's only field and the array itself are the same to a collective call.
pub fn calls_mix(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u8]>::new(comm, 3)?;
    let data = [1, 2, 3];
    if comm.rank() == 0 {
        list.set(0, 0, Some(&data))?;
    } else {
        list.fields().set(0, 0, None)?;
    }
    assert_equal(list.view(), &data);
    Ok(())
}
