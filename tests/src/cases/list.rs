//! The list of all cases. A case that is not in it is dead code, which this crate does not compile.
//!
//! `xtask` includes this file, too: what has not run of it fails a test run.

/// Calls the macro `$receiver!` with the name of every case, as `module { case, case } ...`.
#[macro_export]
macro_rules! for_each_case {
    ($receiver:ident) => {
        $receiver! {
            create {
                new_is_zeroed, reused_memory_is_zeroed, from_every_root, metadata, display_and_debug,
                owned_copies_are_private, close_frees_memory, drop_in_any_order, object_outlives_its_comm,
                many_live_objects,
            }
            write {
                quickstart, set_from_every_root, set_with_from_every_root, assign_finds_every_holder,
                fill_any_length, fill_with_large_elements, update_from_every_root, update_without_writing,
                update_per_node, single_values, writes_are_ordered,
            }
            memory { memory_report, bytes_are_known_before, ten_thousand_live_objects, large_objects_are_unmapped }
            node_memory { use_of_the_node, memory_limits, no_more_open_files, objects_with_huge_pages }
            locks {
                mutual_exclusion, fifo_order, try_lock_and_timeout, timeout_during_handover, home_rank_computes,
                readers_and_writers, poisoned_by_panic, lock_poisoned_by_panic, rwlock_poisoned_by_panic, many_locks, lock_per_row_of_ranks,
                dropped_locks_and_dead_comms, invalid_calls, types_of_one_name,
            }
            parts {
                slices_of_any_length, large_parts, arrays, columns, given_counts, invalid_counts, stencil,
                threads_inside_a_closure, closures_fail, nested_calls,
            }
            partitions {
                weights, invalid_weights, along_each_axis, phases_along_two_axes, invalid_axes, rows_of_any_owner, many_rows,
                invalid_owners, failures_of_partitions, nested_in_partitions, strided_views_work,
            }
            struct_parts {
                all_fields_with_rows, large_structs, other_rows_of_a_nested_struct, failures_of_struct_parts,
                parts_of_what_was_brought,
            }
            gather {
                blocks_of_slices, blocks_of_arrays, large_blocks, blocks_in_rank_order, invalid_blocks,
                invalid_blocks_in_rank_order,
            }
            reduce {
                operations, lengths, arrays, bitwise_repeatable, nan_propagates, invalid_contributions,
                operation_panics,
            }
            values {
                values_of_any_type, values_of_any_length, lengths_that_differ, nothing_is_lost_between_calls, every_rank_is_root,
                operations_in_rank_order, sums_have_the_bits_of_a_serial_sum, slices_of_any_length, large_elements,
                elements_of_size_zero, nan_is_kept,
                closures_that_fail, operations_that_panic, codecs_that_fail, codecs_that_panic, nested_calls,
                calls_that_do_not_match, types_of_one_name, long_type_names, wrong_roots,
                different_value_calls, different_value_roots, memory_is_reported,
            }
            scatter {
                operations, uneven_hits, arrays, reproducible_bits, closures_fail, no_such_element, operation_panics,
                invalid_calls, work_is_shared_out,
            }
            counters {
                each_number_once, large_limits, invalid_arguments, home_rank_computes, many_counters, loops, loops_fail,
            }
            resize_copy_swap {
                resize_keeps_common_elements, resize_columns, copy_from, swap_handles, swap_field_data,
                invalid_operands,
            }
            batch {
                each_task_once, worker_sizes, order_by_cost, order_closure_panics,
                root_computes_while_others_claim, many_batches, ten_million_tasks, stop,
                task_outcomes, dropped_and_panicked_tasks, retries, failure_interrupts_the_worker,
                rank_finishes_while_others_wait, unfinished_task, initial_states, set_state,
                invalid_settings, settings_differ, settings_mean_the_same, invalid_directories,
                state_files, later_jobs_resume, unparsable_state_files, two_batches_on_one_directory,
                late_result_is_rejected, names_with, listed_names, names_with_replaces_names, invalid_names_with,
                report_outlives_its_batch, retries_over_jobs, reruns_are_shared, the_log_lasts, unusable_folders,
                tasks_are_put_back, failures_outweigh_put_backs, halt_after_failures, tasks_have_a_limit,
                nothing_is_taken_over_after_stop,
            }
            files {
                arrays_come_back, structs_come_back, backups_stay, fields_alone, other_orders_are_converted, values_are_checked,
                wrong_files_are_refused, wrong_folders_are_refused, wrong_places_are_refused, types_differ, sources, numbers_without_a_header, checkpoints,
            }
            composites {
                ragged_rows, full_rows, closures_fail_between_rows, strings, texts, stacked_arrays, stacked_rows, stacked_large_rows, stacked_structs,
                unequal_rows, maps, other_keys, collected_maps, uncollected_maps, sparse_matrices, collected_matrices, composites_come_back, damaged_composites, headers_of_composites_disagree,
            }
            fields { array_is_its_only_field, value_is_its_only_field, calls_mix }
            elements {
                integers, floats, bool_char_and_fixed_arrays, structs, zero_sized, aligned_views, bits_are_preserved,
            }
            arrays {
                one_dimension, two_dimensions, three_dimensions, four_dimensions, five_dimensions, six_dimensions,
                empty_extents, empty_slices, blocks_at_corners, sources_in_any_memory_order,
                owned_values_in_any_memory_order,
            }
            sizes {
                around_internal_limits, strided_blocks, runs_of_any_length, more_pieces_than_in_flight,
            }
            comms {
                node_info_is_consistent, rows_and_columns, node_comms, without_color, keys_order_ranks,
                nested_splits, many_splits, two_comms_alternate, ranks_per_node, domains_of_the_machine,
                made_up_domains, solo_inside_closures, clones_share_state, children_outlive_parents, many_barriers,
            }
            arguments {
                root_out_of_range, block_out_of_bounds, root_without_data, assign_without_data,
                assign_by_several_ranks, assigned_block_out_of_bounds, overflowing_sizes, insufficient_memory,
                valid_and_invalid_calls_alternate,
            }
            mismatch {
                dims_differ, types_differ, types_of_from_root_differ, fill_values_differ, ranks_per_node_differ,
                domains_differ, one_rank_overflows,
            }
            closures {
                update_fails, update_panics, per_node_fails, per_node_panics, set_with_panics, from_root_fails,
                from_root_panics, long_error_messages, panic_payloads,
            }
            nested { in_update, in_other_closures, drops_inside_closures }
            user_code {
                tasks_end_in_closures, tasks_end_in_operations, blocks_misbehave, worker_comm_after_a_held_task,
                updates_inside_updates,
            }
            divergence {
                different_kinds, lines_of_both_calls, different_roots, different_objects, close_of_different_objects,
                write_against_creation, split_against_barrier, one_rank_drops_its_handles,
                all_but_one_drop_their_handles, one_rank_panics, late_rank_is_waited_for,
                parents_and_children_survive, after_many_calls, parallel_writes,
            }
        }
    };
}

/// The same for the cases that need gigabytes of memory. They run only where they are asked for.
#[macro_export]
macro_rules! for_each_large_case {
    ($receiver:ident) => {
        $receiver! {
            sizes { more_than_2_pow_31_elements }
            values { a_hundred_megabytes }
        }
    };
}
