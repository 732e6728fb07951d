//! Values that ranks pass each other without an object, compared with what each rank computes for itself.
//!
//! - `encoded` values of any type and length: `broadcast`, `all_gather`, `gather`
//! - `combined` elements: `all_reduce`, `all_reduce_into`, `exclusive_scan`
//! - `misuse` arguments that differ, wrong roots, different calls · `user_code` closures, operations and codecs that fail or panic

mod combined;
mod encoded;
mod misuse;
mod user_code;

pub(crate) use combined::{
    elements_of_size_zero, large_elements, nan_is_kept, operations_in_rank_order,
    slices_of_any_length, sums_have_the_bits_of_a_serial_sum,
};
pub(crate) use encoded::{
    a_hundred_megabytes, every_rank_is_root, lengths_that_differ, memory_is_reported,
    nothing_is_lost_between_calls, values_of_any_length, values_of_any_type,
};
pub(crate) use misuse::{
    calls_that_do_not_match, different_value_calls, different_value_roots, long_type_names,
    types_of_one_name, wrong_roots,
};
pub(crate) use user_code::{
    closures_that_fail, codecs_that_fail, codecs_that_panic, nested_calls, operations_that_panic,
};
