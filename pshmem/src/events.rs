//! Events for `tracing`: its macros, or nothing without the feature `tracing`.

#[cfg(feature = "tracing")]
pub(crate) use tracing::{debug, warn};

/// Uses the fields of an event, and drops them.
#[cfg(not(feature = "tracing"))]
macro_rules! no_event {
    () => {};
    ($text:literal $(,)?) => {{
        let _ = $text;
    }};
    ($name:ident = % $value:expr $(, $($rest:tt)*)?) => {
        $crate::events::no_event!($name = $value $(, $($rest)*)?)
    };
    ($name:ident = ? $value:expr $(, $($rest:tt)*)?) => {
        $crate::events::no_event!($name = $value $(, $($rest)*)?)
    };
    ($name:ident = $value:expr $(, $($rest:tt)*)?) => {{
        let _ = &$value;
        $($crate::events::no_event!($($rest)*);)?
    }};
    (% $value:ident $($rest:tt)*) => {
        $crate::events::no_event!($value $($rest)*)
    };
    (? $value:ident $($rest:tt)*) => {
        $crate::events::no_event!($value $($rest)*)
    };
    ($value:ident $(, $($rest:tt)*)?) => {
        $crate::events::no_event!($value = $value $(, $($rest)*)?)
    };
}
#[cfg(not(feature = "tracing"))]
pub(crate) use {no_event, no_event as debug, no_event as warn};
