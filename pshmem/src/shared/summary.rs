//! `Display` and `Debug` of objects: nodes and ranks, type and extents, and for `Display` a few values.

use crate::layout::{Field, Preview, SharedLayout};
use crate::shared::Shared;
use std::fmt;

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    fn header(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let object = self.handle().object();
        let node = object.comm.node();
        let (nodes, ranks) = (node.count, object.comm.size());
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let kind = short_name(std::any::type_name::<L>());
        writeln!(
            f,
            "{name} {kind} on {nodes} node{} with {ranks} rank{} in all",
            plural(nodes),
            plural(ranks)
        )?;
        let fields = &object.schema().fields[self.leaves()];
        for field in fields {
            let name = if field.name.is_empty() {
                String::new()
            } else {
                format!("{}: ", field.name)
            };
            writeln!(
                f,
                "  {name}{} {:?}, {} B on each node",
                field.type_name, field.extents, field.bytes
            )?;
        }
        Ok(())
    }

    fn values(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result
    where
        L: Preview,
    {
        L::preview(self.read(), f)
    }
}

/// The kind of a type in one word; the line of its field says the rest.
fn short_name(type_name: &str) -> &str {
    let path = type_name.split('<').next().unwrap_or(type_name);
    match path {
        "ndarray::ArrayBase" => "array",
        "alloc::vec::Vec" | "alloc::boxed::Box" => "slice",
        _ if type_name.starts_with('[') => "slice",
        _ => path.rsplit("::").next().unwrap_or(path),
    }
}

impl<L: SharedLayout + ?Sized> fmt::Debug for Field<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header(f, "Field")
    }
}

impl<L: Preview + ?Sized> fmt::Display for Field<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header(f, "Field")?;
        self.values(f)
    }
}

impl<L: SharedLayout + ?Sized> fmt::Debug for Shared<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole().header(f, "Shared")
    }
}

impl<L: Preview + ?Sized> fmt::Display for Shared<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole().header(f, "Shared")?;
        self.whole().values(f)
    }
}
