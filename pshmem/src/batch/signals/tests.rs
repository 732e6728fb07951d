//! Tests of watches of signals, each in a process of its own.

use super::{SignalWatch, check};
use crate::batch::stop::StopConditions;
use crate::batch::test_process::{in_child, run_as_child};
use libc::{SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, c_int, c_void, siginfo_t};
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs the rest of a test in a child process, which must exit with code 0.
macro_rules! in_own_process {
    ($test:literal) => {
        if !in_child() {
            let status = run_as_child(module_path!(), $test);
            assert_eq!(status.code(), Some(0), "{status}");
            return;
        }
    };
}

fn watch(signals: &[i32]) -> SignalWatch {
    SignalWatch::new(signals, 0, "node0").unwrap()
}

fn raise(signal: i32) {
    // SAFETY: no memory is touched. The handlers of these tests only use atomics.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

fn installed(signal: i32) -> libc::sigaction {
    super::current(signal).unwrap()
}

/// Installs an action, and returns the one before.
fn install(signal: i32, handler: usize, flags: c_int) -> libc::sigaction {
    // SAFETY: an action is plain data, for which zeros are valid.
    let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    let mut old = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: the handlers of these tests only use atomics and handlers; there is room for the old action.
    let failed = unsafe { libc::sigaction(signal, &raw const action, old.as_mut_ptr()) };
    assert_eq!(failed, 0);
    // SAFETY: the call has succeeded.
    unsafe { old.assume_init() }
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

fn calls() -> usize {
    CALLS.load(Ordering::Relaxed)
}

extern "C" fn count_call(_: c_int) {
    CALLS.fetch_add(1, Ordering::Relaxed);
}

fn count_call_address() -> usize {
    let handler: extern "C" fn(c_int) = count_call;
    handler as usize
}

/// Counts a call only if it gets the signal's information.
extern "C" fn count_call_with_info(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes valid information, which our handler must have passed on.
    let found = unsafe { info.as_ref() }.map(|info| info.si_signo);
    if found == Some(signal) && !context.is_null() {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }
}

fn count_call_with_info_address() -> usize {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = count_call_with_info;
    handler as usize
}

/// What [`pass_on`] calls.
static BELOW: AtomicUsize = AtomicUsize::new(0);

/// Counts a call, and calls the handler below.
extern "C" fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let below = BELOW.load(Ordering::Relaxed);
    // SAFETY: the tests store the address of our handler, which is of this type.
    let below = unsafe {
        std::mem::transmute::<usize, extern "C" fn(c_int, *mut siginfo_t, *mut c_void)>(below)
    };
    below(signal, info, context);
}

fn install_on_top(signal: i32) -> libc::sigaction {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = pass_on;
    let below = install(signal, handler as usize, libc::SA_SIGINFO);
    assert_ne!(below.sa_sigaction, handler as usize);
    BELOW.store(below.sa_sigaction, Ordering::Relaxed);
    below
}

#[test]
fn the_default_action_applies_again_after_the_last_watch() {
    if !in_child() {
        let test = "the_default_action_applies_again_after_the_last_watch";
        assert_eq!(run_as_child(module_path!(), test).signal(), Some(SIGTERM));
        return;
    }
    let one = watch(&[SIGTERM]);
    let other = watch(&[SIGTERM]);
    assert!(!one.is_raised());
    raise(SIGTERM);
    assert!(one.is_raised() && other.is_raised());
    drop(one);
    raise(SIGTERM);
    drop(other);
    let again = watch(&[SIGTERM]);
    assert!(again.is_raised());
    raise(SIGTERM);
    drop(again);
    assert_eq!(installed(SIGTERM).sa_sigaction, libc::SIG_DFL);
    raise(SIGTERM);
    // Not reached: the parent expects the signal.
    std::process::exit(0);
}

#[test]
fn a_handler_of_the_program_is_still_called_and_put_back() {
    in_own_process!("a_handler_of_the_program_is_still_called_and_put_back");
    install(SIGTERM, count_call_address(), 0);
    let watch = watch(&[SIGTERM]);
    raise(SIGTERM);
    assert!(watch.is_raised());
    assert_eq!(calls(), 1);
    let stop = StopConditions::new(watch, None);
    assert!(stop.is_requested(), "no further task begins");
    drop(stop);
    assert_eq!(installed(SIGTERM).sa_sigaction, count_call_address());
    raise(SIGTERM);
    assert_eq!(calls(), 2);
}

#[test]
fn a_handler_with_information_gets_it() {
    in_own_process!("a_handler_with_information_gets_it");
    let handler = count_call_with_info_address();
    install(SIGUSR1, handler, libc::SA_SIGINFO);
    let watch = watch(&[SIGUSR1]);
    raise(SIGUSR1);
    assert!(watch.is_raised());
    assert_eq!(calls(), 1);
    drop(watch);
    let action = installed(SIGUSR1);
    assert_eq!(action.sa_sigaction, handler);
    assert_ne!(action.sa_flags & libc::SA_SIGINFO, 0);
}

#[test]
fn a_handler_that_is_to_be_called_once_is_called_once() {
    in_own_process!("a_handler_that_is_to_be_called_once_is_called_once");
    install(SIGUSR1, count_call_address(), libc::SA_RESETHAND);
    let unused = watch(&[SIGUSR1]);
    drop(unused);
    assert_eq!(installed(SIGUSR1).sa_sigaction, count_call_address());
    let used = watch(&[SIGUSR1]);
    raise(SIGUSR1);
    raise(SIGUSR1);
    assert_eq!(calls(), 1);
    drop(used);
    assert_eq!(installed(SIGUSR1).sa_sigaction, libc::SIG_DFL);
}

#[test]
fn a_signal_that_is_ignored_is_noted_and_ignored_again() {
    in_own_process!("a_signal_that_is_ignored_is_noted_and_ignored_again");
    install(SIGHUP, libc::SIG_IGN, 0);
    let watch = watch(&[SIGHUP]);
    raise(SIGHUP);
    assert!(watch.is_raised());
    drop(watch);
    assert_eq!(installed(SIGHUP).sa_sigaction, libc::SIG_IGN);
    raise(SIGHUP);
}

#[test]
fn each_watch_notes_its_own_signals() {
    in_own_process!("each_watch_notes_its_own_signals");
    let two = watch(&[SIGTERM, SIGUSR1]);
    let one = watch(&[SIGUSR2]);
    assert!(!SignalWatch::default().is_raised());
    raise(SIGUSR1);
    assert!(two.is_raised() && !one.is_raised());
    assert!(!watch(&[SIGTERM]).is_raised());
    drop(two);
    assert_eq!(installed(SIGTERM).sa_sigaction, libc::SIG_DFL);
    assert_eq!(installed(SIGUSR1).sa_sigaction, libc::SIG_DFL);
    raise(SIGUSR2);
    assert!(
        one.is_raised(),
        "it is watched for until its own watch ends"
    );
}

#[test]
fn system_calls_are_not_interrupted() {
    in_own_process!("system_calls_are_not_interrupted");
    let _watch = watch(&[SIGUSR1]);
    let flags = installed(SIGUSR1).sa_flags;
    assert_ne!(flags & libc::SA_RESTART, 0);
}

#[test]
fn a_handler_on_top_stays_and_gets_no_second_copy_of_ours_above_it() {
    in_own_process!("a_handler_on_top_stays_and_gets_no_second_copy_of_ours_above_it");
    install(SIGTERM, count_call_address(), 0);
    let first = watch(&[SIGTERM]);
    install_on_top(SIGTERM);
    let top = installed(SIGTERM).sa_sigaction;
    drop(first);
    assert_eq!(installed(SIGTERM).sa_sigaction, top);
    raise(SIGTERM);
    assert_eq!(
        calls(),
        2,
        "the one on top and, through ours, the earlier one"
    );
    let second = watch(&[SIGTERM]);
    assert!(!second.is_raised(), "nobody watched when it arrived");
    assert_eq!(installed(SIGTERM).sa_sigaction, top);
    raise(SIGTERM);
    assert!(second.is_raised());
    assert_eq!(calls(), 4);
}

#[test]
fn a_handler_that_replaced_ours_and_is_gone_leaves_room_for_ours() {
    in_own_process!("a_handler_that_replaced_ours_and_is_gone_leaves_room_for_ours");
    let first = watch(&[SIGTERM]);
    install(SIGTERM, libc::SIG_IGN, 0);
    let second = watch(&[SIGTERM]);
    raise(SIGTERM);
    assert!(first.is_raised() && second.is_raised());
    drop((first, second));
    assert_eq!(installed(SIGTERM).sa_sigaction, libc::SIG_IGN);
}

#[test]
fn under_a_handler_on_top_the_default_action_applies_only_once_that_is_gone() {
    if !in_child() {
        let test = "under_a_handler_on_top_the_default_action_applies_only_once_that_is_gone";
        assert_eq!(run_as_child(module_path!(), test).signal(), Some(SIGTERM));
        return;
    }
    let first = watch(&[SIGTERM]);
    let ours = install_on_top(SIGTERM);
    drop(first);
    raise(SIGTERM);
    if calls() != 1 {
        std::process::exit(1);
    }
    install(SIGTERM, ours.sa_sigaction, ours.sa_flags);
    raise(SIGTERM);
    // Not reached: the parent expects the signal.
    std::process::exit(2);
}

#[test]
fn signals_that_cannot_be_watched_for_are_refused() {
    for signal in [SIGTERM, SIGUSR1, libc::SIGXCPU, libc::SIGCONT] {
        assert_eq!(check(signal), Ok(()));
    }
    for (signal, reason) in [
        (libc::SIGKILL, "catch"),
        (libc::SIGSTOP, "catch"),
        (libc::SIGSEGV, "fault"),
        (libc::SIGBUS, "fault"),
        (libc::SIGFPE, "fault"),
        (libc::SIGILL, "fault"),
        (libc::SIGABRT, "fault"),
        (0, "no such signal"),
        (-1, "no such signal"),
        (32, "no such signal"),
        (65, "no such signal"),
        (i32::MAX, "no such signal"),
    ] {
        let refused = check(signal).unwrap_err();
        assert!(
            refused.contains(reason) && refused.contains("SIGUSR1"),
            "{signal}: {refused}"
        );
    }
    // SAFETY: null pointers change nothing and ask for nothing.
    let known = unsafe { libc::sigaction(libc::SIGRTMAX(), std::ptr::null(), null_mut()) };
    assert_eq!((known, check(libc::SIGRTMAX())), (0, Ok(())));
}
