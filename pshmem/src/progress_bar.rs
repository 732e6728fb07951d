//! A bar on a terminal that shows how far something has come; never there without the feature `progress`.

pub(crate) use bar::Bar;

#[cfg(feature = "progress")]
mod bar {
    use indicatif::{ProgressBar, ProgressStyle};
    use std::io::IsTerminal;
    use std::time::Duration;

    /// A bar on stderr.
    #[derive(Debug)]
    pub(crate) struct Bar(ProgressBar);

    impl Bar {
        /// A bar that ends at `len`, if stderr is a terminal. `template` is one of `indicatif`.
        pub(crate) fn on_terminal(len: u64, template: &str, message: &'static str) -> Option<Self> {
            std::io::stderr().is_terminal().then(|| {
                let style = ProgressStyle::with_template(template).expect("a well-formed template");
                Bar(ProgressBar::new(len)
                    .with_style(style)
                    .with_message(message))
            })
        }

        /// Draws it every second, also when nothing has changed.
        pub(crate) fn tick_every_second(&self) {
            self.0.enable_steady_tick(Duration::from_secs(1));
        }

        pub(crate) fn set_message(&self, message: String) {
            self.0.set_message(message);
        }

        pub(crate) fn set_position(&self, position: u64) {
            self.0.set_position(position);
        }

        pub(crate) fn advance(&self, by: u64) {
            self.0.inc(by);
        }

        /// Leaves it as it is.
        pub(crate) fn leave(&self) {
            self.0.abandon();
        }

        pub(crate) fn remove(&self) {
            self.0.finish_and_clear();
        }
    }
}

#[cfg(not(feature = "progress"))]
mod bar {
    /// There is none.
    #[derive(Debug)]
    pub(crate) enum Bar {}

    impl Bar {
        pub(crate) fn on_terminal(_: u64, _: &str, _: &'static str) -> Option<Self> {
            None
        }

        pub(crate) fn tick_every_second(&self) {
            match *self {}
        }

        pub(crate) fn set_message(&self, _: String) {
            match *self {}
        }

        pub(crate) fn set_position(&self, _: u64) {
            match *self {}
        }

        pub(crate) fn advance(&self, _: u64) {
            match *self {}
        }

        pub(crate) fn leave(&self) {
            match *self {}
        }

        pub(crate) fn remove(&self) {
            match *self {}
        }
    }
}
