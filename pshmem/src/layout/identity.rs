//! What makes two ranks' objects the same: type and extents, byte for byte.
//!
//! All ranks run the same executable, so the same type with the same extents is laid out alike. What is compared first is
//! therefore the short [`Described::key`]; the long [`Identity`], with every field, is made when keys differ, to say where.

use crate::error::Result;
use crate::layout::SharedLayout;
use crate::layout::placer::{Placed, Placer};
use crate::layout::schema::{FieldSchema, Schema};
use serde::{Deserialize, Serialize};
use std::any::TypeId;
use std::hash::{Hash, Hasher};

/// Type and extents of one object on one rank.
#[derive(Debug)]
pub(crate) struct Described {
    type_name: &'static str,
    dims: Vec<usize>,
    /// What tells the object from those of other types and extents.
    key: Vec<u8>,
    /// Describes an object of this type with such extents.
    describe: fn(&[usize]) -> Schema,
    identity: fn() -> Identity,
}

impl Described {
    pub(crate) fn new<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Self {
        let mut numbers = Vec::new();
        L::put_dims(dims, &mut numbers);
        let mut key = type_id::<L>();
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

/// What `TypeId` hashes. Together with the name of the type it tells types apart in one executable.
fn type_id<L: SharedLayout + ?Sized>() -> Vec<u8> {
    let mut kept = Keep::default();
    // `Vec<L::Owned>` would not tell `[T]` from `Vec<T>`; a pointer type is sized and `'static` whatever L is.
    TypeId::of::<*const L>().hash(&mut kept);
    kept.0
}

impl Identity {
    /// Type and extents without the fields, for the journey to a rank that knows neither.
    pub(crate) fn without_fields<L: SharedLayout + ?Sized>(dims: &L::Dims) -> Self {
        let mut identity = Identity::of_type::<L>();
        L::put_dims(dims, &mut identity.dims);
        identity
    }

    fn of_type<L: SharedLayout + ?Sized>() -> Self {
        Identity {
            type_name: std::any::type_name::<L>().to_owned(),
            type_id: type_id::<L>(),
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
    match L::plan(dims, &mut placer) {
        Ok(plan) => Ok((plan, placer.finish())),
        // Once more, for an error that names the field.
        Err(_) => L::plan(dims, &mut Placer::describing()).map(|plan| (plan, placer.finish())),
    }
}

fn describe<L: SharedLayout + ?Sized>(numbers: &[usize]) -> Schema {
    let dims = L::take_dims(&mut numbers.iter().copied());
    let mut placer = Placer::describing();
    let plan = L::plan(&dims.expect("as many as were put"), &mut placer);
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
    fn keys_tell_types_and_extents_apart() {
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
    fn survives_the_journey() {
        let ours = identity::<[u8]>(&3);
        assert_eq!(Identity::decode(&ours.encode()), Ok(ours));
    }
}
