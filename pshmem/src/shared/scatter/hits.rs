//! Hits in private memory, before they are combined: places of elements, and the values for them.

use crate::layout::Element;

/// Hits in the order in which they were added.
#[derive(Debug)]
pub(super) struct Hits<T> {
    pub(super) places: Vec<usize>,
    pub(super) values: Vec<T>,
}

impl<T> Default for Hits<T> {
    fn default() -> Self {
        Hits {
            places: Vec::new(),
            values: Vec::new(),
        }
    }
}

/// Bytes of a hit: of its place and its value.
pub(super) fn bytes_of_hit<T>() -> usize {
    size_of::<usize>() + size_of::<T>()
}

impl<T: Element> Hits<T> {
    pub(super) fn with_capacity(hits: usize) -> Self {
        Hits {
            places: Vec::with_capacity(hits),
            values: Vec::with_capacity(hits),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    #[inline]
    pub(super) fn push(&mut self, place: usize, value: T) {
        self.places.push(place);
        self.values.push(value);
    }

    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.values.clear();
    }

    /// All places, then all values.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let places: &[u8] = bytemuck::cast_slice(&self.places);
        [places, bytemuck::cast_slice(&self.values)].concat()
    }

    /// Takes what `to_bytes` has returned on another rank of this executable.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let hits = bytes.len() / bytes_of_hit::<T>();
        let mut all = Hits::default();
        let (places, values) = bytes.split_at(hits * size_of::<usize>());
        all.extend_from_bytes(places, values);
        all
    }

    /// Appends hits that another rank of this executable has passed as the bytes of places and of values.
    pub(super) fn extend_from_bytes(&mut self, places: &[u8], values: &[u8]) {
        let hits = places.len() / size_of::<usize>();
        assert_eq!(
            values.len(),
            hits * size_of::<T>(),
            "one value for each place"
        );
        let old = self.len();
        self.places.resize(old + hits, 0);
        bytemuck::cast_slice_mut(&mut self.places[old..]).copy_from_slice(places);
        self.values.resize(old + hits, T::zeroed());
        let to = self.values[old..].as_mut_ptr().cast::<u8>();
        // SAFETY: both are as long (asserted); the bytes were elements of the same type on a rank of this executable, which are
        // `Copy`; and they are not in the vector.
        unsafe { to.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
    }
}

/// Bytes of the bins of one rank: few enough to stay in its second-level cache.
const BINS_BYTES: usize = 512 << 10;
/// The most hits of a bin.
const MOST: usize = 512;

/// Bins of equally many hits, one for each stripe.
#[derive(Debug)]
pub(super) struct Bins<T> {
    capacity: usize,
    /// Between the first hits of two bins. 0 for bins of one hit, of which one is in use at a time: elements may be large.
    stride: usize,
    lens: Vec<usize>,
    places: Vec<usize>,
    values: Vec<T>,
}

impl<T: Element> Bins<T> {
    pub(super) fn new(bins: usize) -> Self {
        let capacity = (BINS_BYTES / bytes_of_hit::<T>() / bins.max(1)).clamp(1, MOST);
        let (stride, hits) = match capacity {
            1 => (0, 1),
            _ => (capacity, bins * capacity),
        };
        Bins {
            capacity,
            stride,
            lens: vec![0; bins],
            places: vec![0; hits],
            values: vec![T::zeroed(); hits],
        }
    }

    /// Adds a hit to a bin. `true` when the bin is full, and must be emptied before any other hit is added.
    #[inline]
    pub(super) fn push(&mut self, bin: usize, place: usize, value: T) -> bool {
        let len = self.lens[bin];
        let at = bin * self.stride + len;
        self.places[at] = place;
        self.values[at] = value;
        self.lens[bin] = len + 1;
        len + 1 == self.capacity
    }

    pub(super) fn is_empty(&self, bin: usize) -> bool {
        self.lens[bin] == 0
    }

    /// Empties a bin. Its hits can be read until the next one is added.
    pub(super) fn take(&mut self, bin: usize) -> (&[usize], &[T]) {
        let len = std::mem::take(&mut self.lens[bin]);
        let all = bin * self.stride..bin * self.stride + len;
        (&self.places[all.clone()], &self.values[all])
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn hits_are_restored_from_their_bytes() {
        let mut hits = Hits::<[u8; 3]>::with_capacity(4);
        for i in 0..5 {
            hits.push(1000 * usize::from(i), [i, i + 1, 7]);
        }
        let mut copy = Hits::<[u8; 3]>::from_bytes(&hits.to_bytes());
        assert_eq!((&copy.places, &copy.values), (&hits.places, &hits.values));
        copy.extend_from_bytes(&[], &[]);
        assert_eq!(copy.len(), 5);
    }

    #[test]
    fn a_bin_is_full_before_it_overflows() {
        let mut bins = Bins::<u64>::new(3);
        let mut added = 0;
        while !bins.push(1, added, added as u64) {
            added += 1;
        }
        assert!(bins.is_empty(0) && !bins.is_empty(1) && bins.is_empty(2));
        let (places, values) = bins.take(1);
        assert_eq!((places.len(), values.len()), (added + 1, added + 1));
        assert_eq!((places[added], values[0]), (added, 0));
        assert!(bins.is_empty(1));
        let mut large = Bins::<[u64; 2000]>::new(100);
        for bin in [1, 0, 1] {
            assert!(large.push(bin, 70 + bin, [5; 2000]));
            assert_eq!(large.take(bin).0, [70 + bin]);
        }
    }
}
