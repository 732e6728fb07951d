//! What makes two ranks' objects the same: type, layout and extents, byte for byte.

use crate::error::Result;
use crate::layout::SharedLayout;
use crate::layout::place::{Placed, Placer};
use crate::layout::schema::{FieldSchema, Schema};
use serde::{Deserialize, Serialize};
use std::any::TypeId;
use std::hash::{Hash, Hasher};

/// Everything about an object that its ranks must agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    type_name: String,
    /// What `TypeId` hashes; all ranks run the same executable.
    type_id: Vec<u8>,
    fields: Vec<FieldSchema>,
    dims: Vec<usize>,
}

/// Keeps what is hashed instead of hashing it.
#[derive(Default)]
struct Keep(Vec<u8>);

impl Hasher for Keep {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

impl Identity {
    pub(crate) fn new<L: SharedLayout + ?Sized>(dims: &L::Dims, schema: &Schema) -> Self {
        let mut numbers = Vec::new();
        L::put_dims(dims, &mut numbers);
        Identity {
            fields: schema.fields.clone(),
            dims: numbers,
            ..Identity::of_type::<L>()
        }
    }

    fn of_type<L: SharedLayout + ?Sized>() -> Self {
        let mut type_id = Keep::default();
        // `Vec<L::Owned>` would not tell `[T]` from `Vec<T>`; a pointer type is sized and `'static` whatever L is.
        TypeId::of::<*const L>().hash(&mut type_id);
        Identity {
            type_name: std::any::type_name::<L>().to_owned(),
            type_id: type_id.0,
            fields: Vec::new(),
            dims: Vec::new(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("identities are plain data and always encode")
    }

    pub(crate) fn decode(bytes: &[u8]) -> postcard::Result<Self> {
        postcard::from_bytes(bytes)
    }

    /// The extents, for a rank whose layout is `L`; else how the two types read, this one first.
    pub(crate) fn dims_as<L: SharedLayout + ?Sized>(self) -> Result<L::Dims, (String, String)> {
        let mine = Identity {
            dims: self.dims.clone(),
            ..Identity::of_type::<L>()
        };
        if mine != self {
            return Err(self.difference(&mine));
        }
        Ok(L::take_dims(&mut self.dims.into_iter()).expect("the same type has as many extents"))
    }

    /// How this one and another read where they first differ.
    pub(crate) fn difference(&self, other: &Identity) -> (String, String) {
        if (&self.type_name, &self.type_id) != (&other.type_name, &other.type_id) {
            return (
                format!("the type {}", self.type_name),
                format!("the type {}", other.type_name),
            );
        }
        let text = |field: Option<&FieldSchema>| {
            field.map_or("no further field".to_owned(), FieldSchema::text)
        };
        for index in 0..self.fields.len().max(other.fields.len()) {
            let (ours, theirs) = (self.fields.get(index), other.fields.get(index));
            if ours != theirs {
                let (mut ours, mut theirs) = (text(ours), text(theirs));
                if ours == theirs {
                    // Same name, type and extents: the fields before differ in a way that only shows in the offsets.
                    ours = format!("{ours} at offset {}", self.fields[index].offset);
                    theirs = format!("{theirs} at offset {}", other.fields[index].offset);
                }
                return (ours, theirs);
            }
        }
        (
            format!("the extents {:?}", self.dims),
            format!("the extents {:?}", other.dims),
        )
    }
}

/// Plans an object of layout `L`.
pub(crate) fn plan<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Result<(L::Plan, Placed)> {
    let mut placer = Placer::new();
    let plan = L::plan(dims, &mut placer)?;
    Ok((plan, placer.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn identity<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Identity {
        Identity::new::<L>(dims, &plan::<L>(dims).unwrap().1.schema)
    }

    #[test]
    fn the_first_difference_is_named() {
        let ours = identity::<Array2<f64>>(&[3, 5]);
        let theirs = identity::<Array2<f64>>(&[3, 4]);
        assert_eq!(
            ours.difference(&theirs),
            ("f64 [3, 5]".to_owned(), "f64 [3, 4]".to_owned())
        );
        let theirs = identity::<Array2<f32>>(&[3, 5]);
        assert!(ours.difference(&theirs).1.contains("f32"));
        assert_ne!(identity::<[u8]>(&3), identity::<Vec<u8>>(&3));
    }

    #[test]
    fn survives_the_journey() {
        let ours = identity::<[u8]>(&3);
        assert_eq!(Identity::decode(&ours.encode()), Ok(ours));
    }
}
