//! An object with fields of all composite layouts, and its model.

use ndarray::{Array1, ArrayD};
use pshmem::{
    Comm, Csr, CsrDims, CsrMut, Map, MapDims, MapMut, Ragged, RaggedDims, RaggedMut, Result,
    Shared, SharedLayout, Strings, Text,
};
use std::collections::BTreeMap;

use super::array::{AnyArray, ArrayWithModel};
use super::layout::ModelLayout;
use super::object::{AnyObject, downcast, downcast_mut};
use super::rng::Rng;

#[derive(SharedLayout)]
struct Tables {
    list: Array1<[u8; 3]>,
    tracks: Ragged<u16>,
    names: Strings,
    other_names: Strings,
    title: Text,
    numbers: Map<u16, u32>,
    matrix: Csr<u32>,
}

/// The values of an object.
#[derive(Clone)]
struct Model {
    list: ArrayD<[u8; 3]>,
    tracks: Vec<Vec<u16>>,
    names: Vec<String>,
    other_names: Vec<String>,
    title: String,
    /// Each key once, in the order of insertion.
    numbers: Vec<(u16, u32)>,
    /// By row and column.
    matrix: BTreeMap<(usize, usize), u32>,
}

/// The shape of all matrices.
const SHAPE: (usize, usize) = (3, 4);

/// The capacity of an object.
#[derive(Clone, Copy, PartialEq)]
struct Room {
    list: usize,
    tracks: RaggedDims,
    names: RaggedDims,
    title: usize,
    numbers: usize,
    matrix: usize,
}

impl Room {
    fn dims(self) -> TablesDims {
        TablesDims {
            list: [self.list],
            tracks: self.tracks,
            names: self.names,
            other_names: self.names,
            title: self.title,
            numbers: MapDims::new(self.numbers),
            matrix: CsrDims {
                rows: SHAPE.0,
                cols: SHAPE.1,
                nnz: self.matrix,
            },
        }
    }
}

fn track(rng: &mut Rng) -> Vec<u16> {
    (0..rng.below(4)).map(|_| rng.next() as u16).collect()
}

fn text(rng: &mut Rng) -> String {
    (0..rng.below(4))
        .map(|_| ['a', 'ö', '€', '𝄞'][rng.below(4)])
        .collect()
}

fn numbers(rng: &mut Rng) -> Vec<(u16, u32)> {
    let mut all: Vec<(u16, u32)> = Vec::new();
    for _ in 0..rng.below(6) {
        let key = rng.below(40) as u16;
        if all.iter().all(|&(other, _)| other != key) {
            all.push((key, rng.next() as u32));
        }
    }
    all
}

fn matrix(rng: &mut Rng) -> BTreeMap<(usize, usize), u32> {
    let count = rng.below(7);
    let entry = |_| {
        let place = (rng.below(SHAPE.0), rng.below(SHAPE.1));
        (place, rng.next() as u32)
    };
    (0..count).map(entry).collect()
}

fn matrix_of(entries: &BTreeMap<(usize, usize), u32>) -> Csr<u32> {
    let triplets = entries
        .iter()
        .map(|(&(row, col), &value)| (row, col, value));
    Csr::from_triplets(SHAPE, triplets).expect("inside of the shape")
}

fn bytes(texts: &[String]) -> usize {
    texts.iter().map(String::len).sum()
}

impl Model {
    fn empty(list: usize) -> Self {
        Model {
            list: ArrayD::from_elem(&[list][..], [0; 3]),
            tracks: Vec::new(),
            names: Vec::new(),
            other_names: Vec::new(),
            title: String::new(),
            numbers: Vec::new(),
            matrix: BTreeMap::new(),
        }
    }

    fn new(rng: &mut Rng) -> Self {
        let list = rng.extents(1);
        let rows = rng.below(6);
        let names: Vec<String> = (0..rows).map(|_| text(rng)).collect();
        let mut other_names = names.clone();
        other_names.reverse();
        Model {
            list: rng.array(&list),
            tracks: (0..rng.below(6)).map(|_| track(rng)).collect(),
            names,
            other_names,
            title: text(rng),
            numbers: numbers(rng),
            matrix: matrix(rng),
        }
    }

    /// Exactly what `from_root` gives an object with these values.
    fn room(&self) -> Room {
        Room {
            list: self.list.len(),
            tracks: RaggedDims {
                rows: self.tracks.len(),
                items: self.tracks.iter().map(Vec::len).sum(),
            },
            names: RaggedDims {
                rows: self.names.len(),
                items: bytes(&self.names),
            },
            title: self.title.len(),
            numbers: self.numbers.len(),
            matrix: self.matrix.len(),
        }
    }

    fn owned(&self) -> Tables {
        Tables {
            list: <Array1<[u8; 3]>>::owned(&self.list),
            tracks: self.tracks.clone().into(),
            names: self.names.iter().collect(),
            other_names: self.other_names.iter().collect(),
            title: self.title.as_str().into(),
            numbers: self.numbers.iter().copied().collect(),
            matrix: matrix_of(&self.matrix),
        }
    }
}

/// An object and its model.
pub(super) struct TablesWithModel {
    shared: Shared<Tables>,
    model: Model,
    room: Room,
    saved_model: Option<Model>,
}

impl TablesWithModel {
    pub(super) fn create(
        comm: &Comm,
        root: Option<usize>,
        mut rng: Rng,
    ) -> Result<Box<dyn AnyObject>> {
        if let Some(root) = root {
            return Ok(Box::new(Self::from_root(comm, root, Model::new(&mut rng))?));
        }
        let capacity = Room {
            list: rng.below(9),
            tracks: RaggedDims {
                rows: rng.below(9),
                items: rng.below(20),
            },
            names: RaggedDims {
                rows: rng.below(9),
                items: rng.below(40),
            },
            title: rng.below(12),
            numbers: rng.below(8),
            matrix: rng.below(8),
        };
        Ok(Box::new(TablesWithModel {
            shared: Shared::<Tables>::new(comm, capacity.dims())?,
            model: Model::empty(capacity.list),
            room: capacity,
            saved_model: None,
        }))
    }

    fn from_root(comm: &Comm, root: usize, model: Model) -> Result<Self> {
        Ok(TablesWithModel {
            shared: Shared::<Tables>::from_root(comm, root, || model.owned())?,
            room: model.room(),
            model,
            saved_model: None,
        })
    }
}

/// What the closure of an update does with rows, in node memory and in the model.
fn change_tracks(model: &mut Vec<Vec<u16>>, room: RaggedDims, mut rng: Rng) {
    for _ in 0..rng.below(4) {
        match rng.below(4) {
            0 => model.clear(),
            1 if !model.is_empty() => {
                let at = rng.below(model.len());
                model[at].iter_mut().for_each(|item| *item ^= 1);
            }
            _ => {
                let row = track(&mut rng);
                let items: usize = model.iter().map(Vec::len).sum();
                if model.len() < room.rows && items + row.len() <= room.items {
                    model.push(row);
                }
            }
        }
    }
}

fn change_tracks_of(mut w: RaggedMut<'_, u16>, mut rng: Rng) {
    for _ in 0..rng.below(4) {
        match rng.below(4) {
            0 => w.clear(),
            1 if !w.is_empty() => {
                let at = rng.below(w.len());
                w.row_mut(at).iter_mut().for_each(|item| *item ^= 1);
            }
            // What has no room changes nothing.
            _ => drop(w.push(&track(&mut rng))),
        }
    }
}

impl AnyObject for TablesWithModel {
    fn comm(&self) -> &Comm {
        self.shared.comm()
    }

    fn with_array(&mut self, _: usize, act: &mut dyn FnMut(&mut dyn AnyArray)) {
        let comm = self.shared.comm().clone();
        let (mut fields, model) = (self.shared.fields(), &mut self.model);
        act(&mut ArrayWithModel::<Array1<[u8; 3]>, _>::new(
            &comm,
            &mut fields.list,
            &mut model.list,
        ));
    }

    fn update_whole(&mut self, root: usize, mut rng: Rng) -> Result<()> {
        let (model, capacity) = (&mut self.model, self.room);
        match rng.below(8) {
            0 => {
                let mut fields = self.shared.fields();
                std::mem::swap(&mut model.names, &mut model.other_names);
                fields.names.swap_data(&mut fields.other_names)
            }
            1 => {
                let mut fields = self.shared.fields();
                model.other_names.clone_from(&model.names);
                fields.other_names.copy_from(&fields.names)
            }
            2 => {
                let names: Vec<String> = (0..rng.below(5)).map(|_| text(&mut rng)).collect();
                let fits =
                    names.len() <= capacity.names.rows && bytes(&names) <= capacity.names.items;
                if fits {
                    model.names.clone_from(&names);
                }
                let mut fields = self.shared.fields();
                fields
                    .names
                    .update(root, |mut w| {
                        assert_eq!(w.assign(&names.into()).is_ok(), fits);
                    })
                    .map(drop)
            }
            3 => {
                let entries = numbers(&mut rng);
                let fits = entries.len() <= capacity.numbers;
                let owned: Map<u16, u32> = entries.iter().copied().collect();
                if fits {
                    model.numbers = entries;
                }
                let mut fields = self.shared.fields();
                let assign =
                    |mut w: MapMut<'_, u16, u32>| assert_eq!(w.assign(&owned).is_ok(), fits);
                fields.numbers.update(root, assign).map(drop)
            }
            4 => {
                let entries = matrix(&mut rng);
                let fits = entries.len() <= capacity.matrix;
                let owned = matrix_of(&entries);
                if fits {
                    model.matrix = entries;
                }
                let mut fields = self.shared.fields();
                let assign = |mut w: CsrMut<'_, u32>| assert_eq!(w.assign(&owned).is_ok(), fits);
                fields.matrix.update(root, assign).map(drop)
            }
            5 => {
                let add = rng.next() as u32;
                if let Some((_, value)) = model.numbers.first_mut() {
                    *value ^= add;
                }
                model.matrix.values_mut().for_each(|value| *value ^= add);
                let first = model.numbers.first().map(|&(key, _)| key);
                let update = |mut w: TablesViewMut<'_>| {
                    if let Some(value) = first.and_then(|key| w.numbers.get_mut(&key)) {
                        *value ^= add;
                    }
                    w.matrix
                        .values_mut()
                        .iter_mut()
                        .for_each(|value| *value ^= add);
                };
                self.shared.update(root, update).map(drop)
            }
            _ => {
                let is_touched = [rng.below(2) == 0, rng.below(2) == 0];
                let title = text(&mut rng);
                if is_touched[0] {
                    change_tracks(&mut model.tracks, capacity.tracks, rng.clone());
                }
                if is_touched[1] && title.len() <= capacity.title {
                    model.title.clone_from(&title);
                }
                let update = |mut w: TablesViewMut<'_>| {
                    if is_touched[0] {
                        change_tracks_of(w.tracks, rng.clone());
                    }
                    if is_touched[1] {
                        let _ = w.title.set(&title);
                    }
                };
                if rng.clone().below(3) == 0 {
                    self.shared.update_per_node(update).map(drop)
                } else {
                    self.shared.update(root, update).map(drop)
                }
            }
        }
    }

    fn resize(&mut self, mut rng: Rng) -> Result<()> {
        // It has no rows to keep: a new object takes its place.
        let comm = self.shared.comm().clone();
        let root = rng.below(comm.size());
        let mut other = Self::from_root(&comm, root, Model::new(&mut rng))?;
        self.swap(&mut other)
    }

    fn disagree(&mut self, outlier: usize) -> Result<()> {
        let comm = self.shared.comm().clone();
        let dims = self.shared.dims();
        let mut others = [
            Shared::<Tables>::new(&comm, dims)?,
            Shared::<Tables>::new(&comm, dims)?,
        ];
        self.shared
            .swap(&mut others[usize::from(comm.rank() == outlier)])
    }

    fn partner(
        &self,
        comm: &Comm,
        other_extents: bool,
        mut rng: Rng,
    ) -> Result<Box<dyn AnyObject>> {
        let mut capacity = self.room;
        capacity.title += usize::from(other_extents);
        let mut partner = TablesWithModel {
            shared: Shared::<Tables>::new(comm, capacity.dims())?,
            model: Model::empty(capacity.list),
            room: capacity,
            saved_model: None,
        };
        let root = rng.below(comm.size());
        partner.update_whole(root, rng)?;
        Ok(Box::new(partner))
    }

    fn copy_from(&mut self, other: &dyn AnyObject) -> Result<()> {
        let other: &Self = downcast(other);
        self.shared.copy_from(&other.shared)?;
        self.model.clone_from(&other.model);
        Ok(())
    }

    fn swap(&mut self, other: &mut dyn AnyObject) -> Result<()> {
        let other: &mut Self = downcast_mut(other);
        self.shared.swap(&mut other.shared)?;
        std::mem::swap(&mut self.model, &mut other.model);
        std::mem::swap(&mut self.room, &mut other.room);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.shared.close()
    }

    fn check(&self) {
        let (view, model) = (self.shared.view(), &self.model);
        <Array1<[u8; 3]>>::check(view.list, &model.list);
        assert!(
            view.tracks.iter().eq(&model.tracks),
            "{:?} {:?}",
            view.tracks,
            model.tracks
        );
        assert!(
            view.names.iter().eq(&model.names),
            "{:?} {:?}",
            view.names,
            model.names
        );
        assert!(view.other_names.iter().eq(&model.other_names));
        assert_eq!(view.title, model.title);
        let numbers = view.numbers.iter().map(|(&key, &value)| (key, value));
        assert!(
            numbers.eq(model.numbers.iter().copied()),
            "{:?}",
            view.numbers
        );
        for key in 0..40 {
            let value = model.numbers.iter().find(|&&(other, _)| other == key);
            assert_eq!(view.numbers.get(&key), value.map(|(_, value)| value));
        }
        let entries = view
            .matrix
            .iter()
            .map(|(row, col, &value)| ((row, col), value));
        assert!(entries.eq(model.matrix.iter().map(|(&place, &value)| (place, value))));
    }

    fn save_model(&mut self) {
        self.saved_model = Some(self.model.clone());
    }

    fn restore_model(&mut self) {
        self.model = self.saved_model.take().expect("a model that was saved");
    }
}
