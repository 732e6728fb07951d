//! Minimum, maximum, mean and number of NaN of values.

#![expect(
    clippy::cast_precision_loss,
    reason = "a mean is shown with six digits"
)]

use pshmem_format::{ByteOrder, Scalar, ScalarKind};

/// Above this, a sum of values could overflow although their mean does not.
const LARGE: f64 = f64::from_bits((900 + 1023) << 52);

/// What large values are multiplied with before they are added: 2^-64.
const SCALE: f64 = 1.0 / 18_446_744_073_709_551_616.0;

/// Statistics of the values of one scalar type, as they are read.
#[derive(Debug)]
pub(crate) struct Values {
    scalar: Scalar,
    /// All values.
    pub(crate) count: u64,
    pub(crate) nan: u64,
    /// Values of bool that are neither 0 nor 1.
    pub(crate) no_bool: u64,
    numbers: Numbers,
}

#[derive(Debug)]
enum Numbers {
    Integers {
        min: i128,
        max: i128,
        sum: i128,
    },
    Floats {
        min: f64,
        max: f64,
        small: Sum,
        large: Sum,
    },
}

/// A number that is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Integer(i128),
    Float(f64),
}

/// A sum of many numbers, with Neumaier's correction of what rounding loses.
#[derive(Debug, Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
    }

    fn value(&self) -> f64 {
        // What infinities lose is not a number.
        if self.sum.is_finite() {
            self.sum + self.lost
        } else {
            self.sum
        }
    }
}

impl Values {
    pub(crate) fn new(scalar: Scalar) -> Self {
        let numbers = match scalar.kind {
            ScalarKind::Bool | ScalarKind::Int | ScalarKind::Uint => Numbers::Integers {
                min: i128::MAX,
                max: i128::MIN,
                sum: 0,
            },
            ScalarKind::Float | ScalarKind::Complex => Numbers::Floats {
                min: f64::INFINITY,
                max: f64::NEG_INFINITY,
                small: Sum::default(),
                large: Sum::default(),
            },
        };
        Values {
            scalar,
            count: 0,
            nan: 0,
            no_bool: 0,
            numbers,
        }
    }

    /// The smallest and the largest value, and the mean; all without NaN. `None` if there is no other value.
    pub(crate) fn summary(&self) -> Option<[Number; 3]> {
        let known = self.count - self.nan;
        if known == 0 {
            return None;
        }
        let known = known as f64;
        Some(match &self.numbers {
            Numbers::Integers { min, max, sum } => [
                Number::Integer(*min),
                Number::Integer(*max),
                Number::Float(*sum as f64 / known),
            ],
            Numbers::Floats {
                min,
                max,
                small,
                large,
            } => {
                let mean = small.value() / known + large.value() / known / SCALE;
                [
                    Number::Float(*min),
                    Number::Float(*max),
                    Number::Float(mean),
                ]
            }
        })
    }

    /// Adds values that lie one behind the other.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let Scalar { kind, size, order } = self.scalar;
        self.count += (bytes.len() / size) as u64;
        macro_rules! integers {
            ($type:ty) => {
                self.integers(words(bytes, order).map(|word| <$type>::from_le_bytes(word).into()))
            };
        }
        macro_rules! floats {
            ($type:ty) => {
                words(bytes, order).map(|word| f64::from(<$type>::from_le_bytes(word)))
            };
        }
        match (kind, size) {
            (ScalarKind::Bool, _) => {
                self.no_bool += bytes.iter().filter(|byte| **byte > 1).count() as u64;
                integers!(u8);
            }
            (ScalarKind::Int, 1) => integers!(i8),
            (ScalarKind::Int, 2) => integers!(i16),
            (ScalarKind::Int, 4) => integers!(i32),
            (ScalarKind::Int, _) => integers!(i64),
            (ScalarKind::Uint, 1) => integers!(u8),
            (ScalarKind::Uint, 2) => integers!(u16),
            (ScalarKind::Uint, 4) => integers!(u32),
            (ScalarKind::Uint, _) => integers!(u64),
            (ScalarKind::Float, 2) => {
                let halves = words(bytes, order).map(u16::from_le_bytes);
                self.floats(halves.map(half));
            }
            (ScalarKind::Float, 4) => self.floats(floats!(f32)),
            (ScalarKind::Float, _) => self.floats(floats!(f64)),
            (ScalarKind::Complex, 8) => self.floats(absolutes(floats!(f32))),
            (ScalarKind::Complex, _) => self.floats(absolutes(floats!(f64))),
        }
    }

    fn integers(&mut self, values: impl Iterator<Item = i128>) {
        if let Numbers::Integers { min, max, sum } = &mut self.numbers {
            for value in values {
                *min = (*min).min(value);
                *max = (*max).max(value);
                *sum += value;
            }
        }
    }

    fn floats(&mut self, values: impl Iterator<Item = f64>) {
        if let Numbers::Floats {
            min,
            max,
            small,
            large,
        } = &mut self.numbers
        {
            for value in values {
                if value.is_nan() {
                    self.nan += 1;
                    continue;
                }
                *min = min.min(value);
                *max = max.max(value);
                if value.abs() < LARGE {
                    small.add(value);
                } else {
                    large.add(value * SCALE);
                }
            }
        }
    }
}

/// The numbers of a slice, little-endian.
fn words<const N: usize>(bytes: &[u8], order: ByteOrder) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).map(move |chunk| {
        let mut word = [0; N];
        word.copy_from_slice(chunk);
        if order == ByteOrder::Big {
            word.reverse();
        }
        word
    })
}

/// The absolute values of complex numbers. One with a NaN has none, also beside an infinity.
fn absolutes(mut parts: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    std::iter::from_fn(move || {
        let (real, imaginary) = (parts.next()?, parts.next()?);
        let has_nan = real.is_nan() || imaginary.is_nan();
        Some(if has_nan {
            f64::NAN
        } else {
            real.hypot(imaginary)
        })
    })
}

/// A number of 16 bits.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3ff);
    sign * match (bits >> 10) & 0x1f {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction > 0.0 => f64::NAN,
        31 => f64::INFINITY,
        exponent => (1024.0 + fraction) * 2.0_f64.powi(i32::from(exponent) - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(scalar: &str, bytes: &[u8]) -> (Option<[Number; 3]>, u64) {
        let mut values = Values::new(Scalar::of(scalar).unwrap());
        values.add(bytes);
        (values.summary(), values.nan)
    }

    fn floats(numbers: &[f64]) -> (Option<[Number; 3]>, u64) {
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        summary("<f8", &bytes)
    }

    fn of_floats(min: f64, max: f64, mean: f64) -> [Number; 3] {
        [min, max, mean].map(Number::Float)
    }

    #[test]
    fn nan_are_counted_and_left_out() {
        assert_eq!(
            floats(&[3.0, f64::NAN, -1.0]),
            (Some(of_floats(-1.0, 3.0, 1.0)), 1)
        );
        assert_eq!(floats(&[f64::NAN]), (None, 1));
        assert_eq!(floats(&[]), (None, 0));
        assert_eq!(
            floats(&[f64::INFINITY, 1.0]),
            (Some(of_floats(1.0, f64::INFINITY, f64::INFINITY)), 0)
        );
    }

    #[test]
    fn means_neither_overflow_nor_lose_small_values() {
        let huge = f64::MAX;
        assert_eq!(
            floats(&[huge, huge]),
            (Some(of_floats(huge, huge, huge)), 0)
        );
        assert_eq!(
            floats(&[1e300, 3.0, -1e300, 3.0]).0.unwrap()[2],
            Number::Float(1.5)
        );
        assert_eq!(
            floats(&[1e100, 3.0, -1e100, 3.0]).0.unwrap()[2],
            Number::Float(1.5)
        );
    }

    #[test]
    fn integers_are_exact() {
        let bytes = [u64::MAX, u64::MAX - 1].map(u64::to_be_bytes).concat();
        let (min, max) = (i128::from(u64::MAX - 1), i128::from(u64::MAX));
        let expected = [
            Number::Integer(min),
            Number::Integer(max),
            Number::Float(u64::MAX as f64),
        ];
        assert_eq!(summary(">u8", &bytes), (Some(expected), 0));
        let bytes = [i64::MIN, 0].map(i64::to_le_bytes).concat();
        let expected = [i128::from(i64::MIN), 0].map(Number::Integer);
        assert_eq!(summary("<i8", &bytes).0.unwrap()[..2], expected);
    }

    #[test]
    fn every_size_and_order_is_read() {
        let one = |scalar: &str, bytes: &[u8]| summary(scalar, bytes).0.unwrap()[0];
        assert_eq!(one("|i1", &[0xff]), Number::Integer(-1));
        assert_eq!(one("|u1", &[0xff]), Number::Integer(255));
        assert_eq!(one(">i2", &[0xff, 0xfe]), Number::Integer(-2));
        assert_eq!(one("<u2", &[1, 2]), Number::Integer(0x201));
        assert_eq!(one(">i4", &[0xff, 0xff, 0xff, 0xfe]), Number::Integer(-2));
        assert_eq!(one("<u4", &[1, 2, 3, 4]), Number::Integer(0x0403_0201));
        assert_eq!(one(">f4", &1.5_f32.to_be_bytes()), Number::Float(1.5));
        assert_eq!(
            one("<c8", &[3.0_f32, 4.0].map(f32::to_le_bytes).concat()),
            Number::Float(5.0)
        );
        assert_eq!(
            one(">c16", &[3.0_f64, 4.0].map(f64::to_be_bytes).concat()),
            Number::Float(5.0)
        );
        let nan = [f64::INFINITY, f64::NAN].map(f64::to_le_bytes).concat();
        assert_eq!(summary("<c16", &nan), (None, 1));
    }

    #[test]
    fn halves_are_those_of_the_standard() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2.0_f64.powi(-14)),
            (0x0001, 2.0_f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits).to_bits(), f64::to_bits(value), "{bits:x}");
        }
        assert!(half(0x7e00).is_nan());
        assert!(half(0x8000).is_sign_negative());
    }

    #[test]
    fn bytes_that_are_no_bool_are_counted() {
        let mut values = Values::new(Scalar::of("|b1").unwrap());
        values.add(&[0, 1, 2, 255]);
        assert_eq!(values.no_bool, 2);
    }
}
