//! The cases. Each is a function of a `Comm` of any shape, called by all its ranks.
//!
//! - `create` objects come and go · `write` every call that writes · `fields` the same through `Field`
//! - `parts`, `gather`, `reduce` every rank writes · `whole` other extents, copies, exchange · `memory` what objects cost
//! - `locks` locks and what they protect · `batch` tasks and workers
//! - `elements` types · `arrays` dimensions, blocks, empty extents · `sizes` internal limits
//! - `comms` split and what follows · `closures` closures that fail · `nested` what a closure may not call
//! - `arguments` bad arguments · `disagreement` arguments that differ between ranks · `divergence` different calls
#![allow(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "errors and panics are what a case finds"
)]

/// The call fails alike on all ranks with the error of that pattern; the table is unchanged and its `Comm` alive.
macro_rules! refused {
    ($comm:expr, $table:ident, $pattern:pat $(if $guard:expr)?, $call:expr) => {{
        let before = $table.to_owned();
        let result = $call;
        assert!($table.to_owned() == before, "the data changed");
        let error = crate::check::same_error($comm, result)?;
        assert!(matches!(error, $pattern $(if $guard)?), "{error:?}");
        $comm.barrier()?;
    }};
}

pub mod arguments;
pub mod arrays;
pub mod batch;
pub mod closures;
pub mod comms;
pub mod create;
pub mod disagreement;
pub mod divergence;
pub mod elements;
pub mod fields;
pub mod gather;
pub mod locks;
pub mod memory;
pub mod nested;
pub mod parts;
pub mod reduce;
pub mod sizes;
pub mod whole;
pub mod write;

use pshmem::Comm;

use crate::report::Outcome;

/// One case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Module and function.
    pub name: &'static str,
    /// What to call on every rank.
    pub run: fn(&Comm) -> Outcome,
}

/// Calls the macro `$receiver!` with the name of every case, as `module { case, case } ...`. This is the only list.
#[macro_export]
macro_rules! for_each_case {
    ($receiver:ident) => {
        $receiver! {
            create {
                new_is_zeroed, reused_memory_is_zeroed, from_every_root, describes_itself, prints_a_summary,
                copies_are_private, close_gives_back, drops_in_any_order, lives_without_its_comm, many_objects,
            }
            write {
                quickstart, set_from_every_root, set_with_from_every_root, assign_finds_every_holder, fill_all,
                fill_with_large_elements, update_from_every_root, update_of_nothing, update_per_node, single_values,
                calls_are_ordered,
            }
            memory { tells_what_it_holds, ten_thousand_live_objects, large_objects_go_back }
            locks {
                one_at_a_time, in_order_of_request, giving_up, giving_up_in_a_hurry, the_host_may_compute, readers_and_writers,
                poisoned_by_a_panic, many_locks, a_lock_per_row, ends_of_locks, mistakes,
            }
            parts {
                slices_of_any_length, many_bytes, arrays, columns, given_counts, wrong_counts, stencil, threads_inside,
                parts_fail, nested_in_parts,
            }
            gather { blocks_of_slices, blocks_of_arrays, large_blocks, in_order, wrong_blocks, wrong_stacks }
            reduce {
                operations, lengths, arrays, same_bits, nan_wins, wrong_locals, operation_panics,
            }
            whole {
                resize_keeps_the_common_block, resize_of_columns, copies, handles_are_exchanged, fields_are_exchanged,
                wrong_partners,
            }
            batch {
                each_task_once, workers_of_every_size, ends_of_tasks, dropped_and_panicked, retried, states_at_first,
                states_that_change, costly_ones_first, a_failure_calls_others_back, one_goes_on_while_others_wait,
                the_host_may_compute_tasks, many_batches, ten_million_tasks, bad_settings, settings_that_differ, a_task_not_ended,
                states_on_disk, later_jobs_go_on, strange_files, bad_directories, two_at_a_time, a_late_result,
                stopped, an_order_that_panics,
            }
            fields { an_array_is_its_own_field, a_value_is_its_own_field, calls_mix }
            elements {
                integers, floats, others, structs, without_size, aligned_views, nan_and_zero_keep_their_bits,
            }
            arrays {
                one_dimension, two_dimensions, three_dimensions, four_dimensions, five_dimensions, six_dimensions,
                empty_extents, empty_slices, corners, sources_in_any_order, owned_in_any_order,
            }
            sizes { around_limits, strided_in_pieces, runs_of_any_length, full_windows, past_two_to_the_31 }
            comms {
                node_info_is_consistent, rows_and_columns, node_comms, without_color, keys_order_ranks, nested_splits,
                splits_in_a_loop, two_comms_alternate, ranks_per_node, solo_inside, clones_are_one, children_outlive_parents,
                many_barriers,
            }
            arguments {
                root_out_of_range, block_past_the_edge, no_data_on_the_root, no_holder, two_holders,
                assigned_block_past_the_edge, sizes_that_overflow, no_room, one_after_the_other,
            }
            disagreement {
                dims_differ, types_differ, types_of_from_root_differ, fill_values_differ, ranks_per_node_differ,
                one_rank_overflows,
            }
            closures {
                update_fails, update_panics, per_node_fails, per_node_panics, set_with_panics, from_root_fails,
                from_root_panics, long_messages, payloads_of_any_type,
            }
            nested { in_update, in_other_closures, objects_die_inside }
            divergence {
                different_kinds, different_roots, different_objects, same_kind_other_shape, write_against_creation,
                split_against_barrier, one_lets_go, all_but_one_let_go, one_panics, one_forgets_nothing,
                two_levels, in_the_middle, parallel_writes,
            }
        }
    };
}

macro_rules! table {
    ($($module:ident { $($case:ident),* $(,)? })*) => {
        /// Every case.
        pub const ALL: &[Case] = &[
            $($(Case { name: concat!(stringify!($module), "::", stringify!($case)), run: $module::$case },)*)*
        ];
    };
}

for_each_case!(table);
