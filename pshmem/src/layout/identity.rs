//! Compares the types and extents of two ranks' objects, byte for byte.
//!
//! All ranks run the same executable, so equal types with equal extents have equal layouts. Ranks therefore compare the short
//! [`Described::key`] first. Only if keys differ do they make the long [`Identity`], with every field, to find the difference.

use crate::error::Result;
use crate::layout::SharedLayout;
use crate::layout::placer::{Placed, Placer, whole_pages};
use crate::layout::schema::{FieldSchema, Schema};
use serde::{Deserialize, Serialize};
use std::any::TypeId;
use std::hash::{Hash, Hasher};

/// Type and extents of one object on one rank.
#[derive(Debug)]
pub(crate) struct Described {
    type_name: &'static str,
    dims: Vec<usize>,
    /// Unique for the type and the extents.
    key: Vec<u8>,
    /// Makes the schema of an object of this type from its extents.
    describe: fn(&[usize]) -> Schema,
    identity: fn() -> Identity,
}

impl Described {
    pub(crate) fn new<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Self {
        let mut numbers = Vec::new();
        L::encode_dims(dims, &mut numbers);
        let mut key = type_bytes::<L>();
        let type_name = std::any::type_name::<L>();
        key.extend_from_slice(type_name.as_bytes());
        for number in &numbers {
            key.extend_from_slice(&number.to_le_bytes());
        }
        Described {
            type_name,
            dims: numbers,
            key,
            describe: describe::<L>,
            identity: Identity::of_type::<L>,
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// Equal for objects of the same type with the same extents, and for no others.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn schema(&self) -> Schema {
        (self.describe)(&self.dims)
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity {
            fields: self.schema().fields,
            dims: self.dims.clone(),
            ..(self.identity)()
        }
    }
}

/// Everything about an object that its ranks must agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    type_name: String,
    /// The bytes that `TypeId` hashes; equal types have equal ones in one executable.
    type_id: Vec<u8>,
    fields: Vec<FieldSchema>,
    dims: Vec<usize>,
}

/// A hasher that records its input.
#[derive(Default)]
struct RecordingHasher(Vec<u8>);

impl Hasher for RecordingHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The bytes that `TypeId` hashes. Together with the name of the type they identify a type in one executable.
pub(crate) fn type_bytes<T: ?Sized + 'static>() -> Vec<u8> {
    let mut hasher = RecordingHasher::default();
    TypeId::of::<T>().hash(&mut hasher);
    hasher.0
}

impl Identity {
    /// Type and extents without the fields, to be sent to a rank that knows neither.
    pub(crate) fn without_fields<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Self {
        let mut identity = Identity::of_type::<L>();
        L::encode_dims(dims, &mut identity.dims);
        identity
    }

    fn of_type<L: SharedLayout + ?Sized>() -> Self {
        Identity {
            type_name: std::any::type_name::<L>().to_owned(),
            type_id: type_bytes::<L>(),
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

    /// The extents, if the type is `L`. Otherwise the texts of the two types, this one first.
    pub(crate) fn dims_as<L: SharedLayout + ?Sized>(self) -> Result<L::Dims, (String, String)> {
        let expected = Identity {
            dims: self.dims.clone(),
            ..Identity::of_type::<L>()
        };
        if expected != self {
            return Err(self.difference(&expected));
        }
        Ok(L::decode_dims(&mut self.dims.into_iter()).expect("the same type has as many extents"))
    }

    /// The texts of this one and another one where they first differ.
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
                    // Same name, type and extents: the fields before differ, which only the offsets show.
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

/// Plans an object of layout `L`. Its bytes can be rounded up to pages.
pub(crate) fn plan<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Result<(L::Plan, Placed)> {
    let mut placer = Placer::new();
    let plan = match L::plan(dims, &mut placer) {
        Ok(plan) => plan,
        // Plans again, for an error that names the field.
        Err(_) => L::plan(dims, &mut Placer::describing())?,
    };
    let planned = (plan, placer.finish());
    whole_pages(planned.1.bytes)?;
    Ok(planned)
}

fn describe<L: SharedLayout + ?Sized>(numbers: &[usize]) -> Schema {
    let dims = L::decode_dims(&mut numbers.iter().copied());
    let mut placer = Placer::describing();
    let plan = L::plan(&dims.expect("as many numbers as were written"), &mut placer);
    plan.expect("these extents have been planned before");
    placer.into_schema()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn identity<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Identity {
        Described::new::<L>(dims).identity()
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
    fn keys_differ_for_other_types_and_extents() {
        fn key<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Vec<u8> {
            Described::new::<L>(dims).key().to_vec()
        }
        let ours = key::<Array2<f64>>(&[3, 5]);
        assert_eq!(ours, key::<Array2<f64>>(&[3, 5]));
        assert_ne!(ours, key::<Array2<f64>>(&[5, 3]));
        assert_ne!(ours, key::<Array2<u64>>(&[3, 5]));
        assert_ne!(key::<[u8]>(&3), key::<Vec<u8>>(&3));
    }

    #[test]
    fn decoding_restores_what_was_encoded() {
        let ours = identity::<[u8]>(&3);
        assert_eq!(Identity::decode(&ours.encode()), Ok(ours));
    }
}
