//! An object with fields of all composite layouts, and its model.

use ndarray::{Array1, ArrayD};
use pshmem::{
    Comm, Csr, CsrDims, CsrMut, Map, MapDims, MapMut, Ragged, RaggedDims, RaggedMut, Result,
    Shared, SharedLayout, Strings, Text,
};
use std::collections::BTreeMap;

use super::array::{AnyArray, ArrayWithModel};
use super::layout::ModelLayout;
use super::object::AnyObject;
use super::rng::Rng;
use super::with_model::{Modelled, WithModel};

#[derive(SharedLayout)]
pub(super) struct Tables {
    list: Array1<[u8; 3]>,
    tracks: Ragged<u16>,
    names: Strings,
    other_names: Strings,
    title: Text,
    numbers: Map<u16, u32>,
    matrix: Csr<u32>,
}

/// The values of an object, and what it has room for.
#[derive(Clone)]
pub(super) struct Model {
    capacity: TablesDims,
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

fn matrix_dims(nnz: usize) -> CsrDims {
    let (rows, cols) = SHAPE;
    CsrDims { rows, cols, nnz }
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
    fn empty(capacity: TablesDims) -> Self {
        Model {
            capacity,
            list: ArrayD::from_elem(&capacity.list[..], [0; 3]),
            tracks: Vec::new(),
            names: Vec::new(),
            other_names: Vec::new(),
            title: String::new(),
            numbers: Vec::new(),
            matrix: BTreeMap::new(),
        }
    }

    /// Of these values, with the room that `from_root` gives them: exactly that of the values.
    fn new(rng: &mut Rng) -> Self {
        let extents = rng.extents(1);
        let rows = rng.below(6);
        let names: Vec<String> = (0..rows).map(|_| text(rng)).collect();
        let mut other_names = names.clone();
        other_names.reverse();
        let list = rng.array(&extents);
        let tracks: Vec<Vec<u16>> = (0..rng.below(6)).map(|_| track(rng)).collect();
        let (title, numbers, matrix) = (text(rng), numbers(rng), matrix(rng));
        let room_of_names = RaggedDims {
            rows: names.len(),
            items: bytes(&names),
        };
        let capacity = TablesDims {
            list: [list.len()],
            tracks: RaggedDims {
                rows: tracks.len(),
                items: tracks.iter().map(Vec::len).sum(),
            },
            names: room_of_names,
            other_names: room_of_names,
            title: title.len(),
            numbers: MapDims::new(numbers.len()),
            matrix: matrix_dims(matrix.len()),
        };
        Model {
            capacity,
            list,
            tracks,
            names,
            other_names,
            title,
            numbers,
            matrix,
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

impl Modelled for Tables {
    type Model = Model;

    fn create(comm: &Comm, root: Option<usize>, mut rng: Rng) -> Result<WithModel<Self>> {
        if let Some(root) = root {
            return WithModel::from_root(comm, root, Model::new(&mut rng), Model::owned);
        }
        let list = rng.below(9);
        let mut rows_and_items = |items| RaggedDims {
            rows: rng.below(9),
            items: rng.below(items),
        };
        let (tracks, names) = (rows_and_items(20), rows_and_items(40));
        let capacity = TablesDims {
            list: [list],
            tracks,
            names,
            other_names: names,
            title: rng.below(12),
            numbers: MapDims::new(rng.below(8)),
            matrix: matrix_dims(rng.below(8)),
        };
        empty(comm, capacity)
    }

    fn with_array(object: &mut WithModel<Self>, _: usize, act: &mut dyn FnMut(&mut dyn AnyArray)) {
        let comm = object.shared.comm().clone();
        let (mut fields, model) = (object.shared.fields(), &mut object.model);
        act(&mut ArrayWithModel::<Array1<[u8; 3]>, _>::new(
            &comm,
            &mut fields.list,
            &mut model.list,
        ));
    }

    fn update_whole(object: &mut WithModel<Self>, root: usize, mut rng: Rng) -> Result<()> {
        let model = &mut object.model;
        let capacity = model.capacity;
        match rng.below(8) {
            0 => {
                let mut fields = object.shared.fields();
                std::mem::swap(&mut model.names, &mut model.other_names);
                fields.names.swap_data(&mut fields.other_names)
            }
            1 => {
                let mut fields = object.shared.fields();
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
                let mut fields = object.shared.fields();
                fields
                    .names
                    .update(root, |mut w| {
                        assert_eq!(w.assign(&names.into()).is_ok(), fits);
                    })
                    .map(drop)
            }
            3 => {
                let entries = numbers(&mut rng);
                let fits = entries.len() <= capacity.numbers.entries;
                let owned: Map<u16, u32> = entries.iter().copied().collect();
                if fits {
                    model.numbers = entries;
                }
                let mut fields = object.shared.fields();
                let assign =
                    |mut w: MapMut<'_, u16, u32>| assert_eq!(w.assign(&owned).is_ok(), fits);
                fields.numbers.update(root, assign).map(drop)
            }
            4 => {
                let entries = matrix(&mut rng);
                let fits = entries.len() <= capacity.matrix.nnz;
                let owned = matrix_of(&entries);
                if fits {
                    model.matrix = entries;
                }
                let mut fields = object.shared.fields();
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
                object.shared.update(root, update).map(drop)
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
                    object.shared.update_per_node(update).map(drop)
                } else {
                    object.shared.update(root, update).map(drop)
                }
            }
        }
    }

    fn resize(object: &mut WithModel<Self>, mut rng: Rng) -> Result<()> {
        // It has no rows to keep: a new object takes its place.
        let comm = object.shared.comm().clone();
        let root = rng.below(comm.size());
        let mut other: WithModel<Self> =
            WithModel::from_root(&comm, root, Model::new(&mut rng), Model::owned)?;
        object.swap(&mut other)
    }

    fn partner(
        object: &WithModel<Self>,
        comm: &Comm,
        other_extents: bool,
        mut rng: Rng,
    ) -> Result<WithModel<Self>> {
        let mut capacity = object.model.capacity;
        capacity.title += usize::from(other_extents);
        let mut partner = empty(comm, capacity)?;
        let root = rng.below(comm.size());
        Self::update_whole(&mut partner, root, rng)?;
        Ok(partner)
    }

    fn compare(view: Self::View<'_>, model: &Model) {
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
}

fn empty(comm: &Comm, capacity: TablesDims) -> Result<WithModel<Tables>> {
    let shared = Shared::<Tables>::new(comm, capacity)?;
    Ok(WithModel::new(shared, Model::empty(capacity)))
}
