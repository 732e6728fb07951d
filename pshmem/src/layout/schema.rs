//! `Schema`: the fields of an object with types, extents and offsets, as data to print and to compare.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Name, type, extents and offset of every field of a shared object. It prints as a table.
///
/// ```
/// use pshmem::{Comm, Shared};
///
/// let table = Shared::<[f32]>::new(&Comm::solo(), 100)?;
/// let schema = table.schema();
/// assert_eq!(schema.fields[0].extents, [100]);
/// assert_eq!(schema.fields[0].bytes, 400);
/// println!("{schema}");
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Schema {
    /// The fields in the order of the struct. An array or a value has one field without a name.
    pub fields: Vec<FieldSchema>,
}

/// One field of a [`Schema`].
///
/// ```
/// use pshmem::{Comm, Shared, SharedLayout};
///
/// #[derive(SharedLayout)]
/// struct Gas {
///     density: Vec<f32>,
///     step: u64,
/// }
///
/// let gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 100 })?;
/// let density = &gas.schema().fields[0];
/// assert_eq!((density.name.as_str(), density.type_name.as_str()), ("density", "f32"));
/// assert_eq!(gas.schema().fields[1].offset % 64, 0); // a cache line of its own
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldSchema {
    /// Name, after the names of the enclosing fields: `opacity.table`.
    pub name: String,
    /// Type of one element.
    pub type_name: String,
    /// Extents; none for a single value.
    pub extents: Vec<usize>,
    /// Bytes from the start of the object.
    pub offset: usize,
    /// Bytes of the field.
    pub bytes: usize,
    /// Alignment of its type.
    pub align: usize,
}

impl FieldSchema {
    /// How an error names this field, e.g. `density: f64 [3, 5]`.
    pub(crate) fn text(&self) -> String {
        let name = if self.name.is_empty() {
            String::new()
        } else {
            format!("`{}`: ", self.name)
        };
        format!("{name}{} {:?}", self.type_name, self.extents)
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![[
            "field".into(),
            "type".into(),
            "shape".into(),
            "offset".into(),
            "bytes".into(),
        ]];
        rows.extend(self.fields.iter().map(|field| {
            [
                if field.name.is_empty() {
                    "-".into()
                } else {
                    field.name.clone()
                },
                field.type_name.clone(),
                format!("{:?}", field.extents),
                field.offset.to_string(),
                field.bytes.to_string(),
            ]
        }));
        let width = |column: usize| {
            rows.iter()
                .map(|row: &[String; 5]| row[column].len())
                .max()
                .unwrap_or(0)
        };
        let [names, kinds, shapes] = [width(0), width(1), width(2)];
        let [offsets, sizes] = [width(3), width(4)];
        for [name, kind, shape, offset, bytes] in &rows {
            writeln!(
                f,
                "{name:names$}  {kind:kinds$}  {shape:shapes$}  {offset:>offsets$}  {bytes:>sizes$}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::layout::placer::Placer;

    #[test]
    fn prints_as_a_table() {
        let mut placer = Placer::describing();
        placer
            .place("density", 1, |p| p.leaf::<f64>(&[3, 5]))
            .unwrap();
        placer.place("step", 1, |p| p.leaf::<u64>(&[])).unwrap();
        let text = placer.into_schema().to_string();
        assert_eq!(
            text,
            "field    type  shape   offset  bytes\n\
             density  f64   [3, 5]       0    120\n\
             step     u64   []         128      8\n"
        );
    }
}
