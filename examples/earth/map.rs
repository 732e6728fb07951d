//! The picture: a world map of the points in the Equal Earth projection.
//!
//! The projection preserves areas, so points that are uniform on the globe are uniform on the map
//! (B. Šavrič, T. Patterson, B. Jenny: The Equal Earth map projection, 2018).

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use ndarray::{Array2, ArrayView2, Axis};

use crate::sphere::Point;

/// What fell on one pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::NoUninit, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Hits {
    /// Points that fell here.
    pub(crate) thrown: u32,
    /// Those of them that fell on land.
    pub(crate) land: u32,
}

impl std::ops::AddAssign for Hits {
    fn add_assign(&mut self, other: Self) {
        self.thrown += other.thrown;
        self.land += other.land;
    }
}

/// Coefficients of the projection.
const A: [f64; 4] = [1.340_264, -0.081_106, 0.000_893, 0.003_796];
/// Half the width of the projected globe, which has radius 1.
const HALF_WIDTH: f64 = 2.706_63;
/// The share of the image's width that stays free.
const MARGIN: f64 = 0.04;

type Rgb = [f64; 3];
const SPACE: Rgb = [8., 12., 24.];
const DEEP_SEA: Rgb = [12., 44., 84.];
const COASTAL_SEA: Rgb = [74., 150., 190.];
/// Land, from the south pole to the north pole: latitude and colour.
const LAND: [(f64, Rgb); 12] = [
    (-66., [240., 245., 250.]),
    (-58., [150., 170., 130.]),
    (-45., [104., 142., 84.]),
    (-28., [196., 172., 112.]),
    (-20., [176., 164., 98.]),
    (-8., [84., 136., 76.]),
    (6., [84., 136., 76.]),
    (17., [206., 180., 122.]),
    (28., [214., 190., 134.]),
    (44., [122., 150., 88.]),
    (62., [96., 128., 92.]),
    (76., [236., 242., 246.]),
];

/// The mapping from the globe to the pixels of the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    /// Pixels per radius of the globe.
    scale: f64,
}

impl Canvas {
    /// An image of this width, and half as high.
    pub(crate) fn new(width: u32) -> Self {
        Self {
            width: width as usize,
            height: width as usize / 2,
            scale: f64::from(width) * (1. - MARGIN) / (2. * HALF_WIDTH),
        }
    }

    /// Rows and columns of the image.
    pub(crate) fn shape(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// Row and column of a point.
    #[expect(clippy::cast_sign_loss, reason = "the globe lies inside the image")]
    pub(crate) fn pixel(&self, point: Point) -> [usize; 2] {
        let parallel = Parallel::new(point.sin_lat());
        let x = point.lon() / 180. * parallel.half_width;
        let [column, row] = [x, -parallel.y].map(|v| v * self.scale);
        [
            (half(self.height) + row) as usize,
            (half(self.width) + column) as usize,
        ]
    }

    /// Draws the map: land and sea by the share of a pixel's points that hit land.
    pub(crate) fn draw(&self, hits: &ArrayView2<'_, Hits>) -> Array2<[u8; 3]> {
        let (land_share, coast) = land_share(hits);
        let mut image = Array2::from_elem(self.shape(), rgb8(SPACE));
        for (row, mut pixels) in image.outer_iter_mut().enumerate() {
            let y = (half(self.height) - offset(row) - 0.5) / self.scale;
            let Some(parallel) = Parallel::at(y) else {
                continue;
            };
            let land_colour = land_colour(parallel.lat);
            for (column, pixel) in pixels.indexed_iter_mut() {
                let x = (offset(column) + 0.5 - half(self.width)) / self.scale;
                let at = [row, column];
                let near = (2. * coast[at]).min(1.);
                let sea_colour = blend(DEEP_SEA, COASTAL_SEA, near * (2. - near));
                let mut colour = blend(sea_colour, land_colour, land_share[at]);
                // Pixels that nothing hit are guessed from those around them, and a little darker.
                if hits[at].thrown == 0 {
                    colour = blend(colour, SPACE, 0.14);
                }
                colour = blend(colour, [255.; 3], 0.10 * self.graticule(&parallel, x));
                // The rim of the globe is one pixel soft.
                let inside = (parallel.half_width - x.abs()) * self.scale + 0.5;
                *pixel = rgb8(blend(SPACE, colour, inside.clamp(0., 1.)));
            }
        }
        image
    }

    /// How much of a meridian or parallel (every 30 degrees) a pixel shows: 0 to 1.
    fn graticule(&self, parallel: &Parallel, x: f64) -> f64 {
        let off = |degrees: f64| ((degrees / 30.).round() * 30. - degrees).abs();
        let meridian = off(x / parallel.half_width * 180.) / 180. * parallel.half_width;
        let circle = off(parallel.lat).to_radians() * parallel.y_per_radian;
        (1. - meridian.min(circle) * self.scale).clamp(0., 1.)
    }
}

/// A circle of latitude: a straight line on the map, along which longitude grows evenly.
struct Parallel {
    lat: f64,
    y: f64,
    half_width: f64,
    y_per_radian: f64,
}

impl Parallel {
    fn new(sin_lat: f64) -> Self {
        let sine = 0.75_f64.sqrt() * sin_lat;
        Self::of_parameter(sine.asin())
    }

    /// The parallel that is drawn at this height, if the globe reaches so far.
    fn at(y: f64) -> Option<Self> {
        let end = Self::new(1.);
        if y.abs() > end.y {
            return None;
        }
        // y grows with the parameter almost evenly: Newton's method needs a handful of steps.
        let mut theta = y / A[0];
        for _ in 0..6 {
            theta -= (y_of(theta) - y) / slope(theta);
        }
        Some(Self::of_parameter(theta))
    }

    fn of_parameter(theta: f64) -> Self {
        let sin_lat = (theta.sin() / 0.75_f64.sqrt()).clamp(-1., 1.);
        let lat = sin_lat.asin();
        Self {
            lat: lat.to_degrees(),
            y: y_of(theta),
            half_width: std::f64::consts::PI * theta.cos() / (0.75_f64.sqrt() * slope(theta)),
            y_per_radian: slope(theta) * 0.75_f64.sqrt() * lat.cos() / theta.cos(),
        }
    }
}

fn y_of(theta: f64) -> f64 {
    let t2 = theta * theta;
    theta * (A[0] + t2 * (A[1] + t2 * t2 * (A[2] + t2 * A[3])))
}

/// The derivative of [`y_of`].
fn slope(theta: f64) -> f64 {
    let t2 = theta * theta;
    A[0] + t2 * (3. * A[1] + t2 * t2 * (7. * A[2] + t2 * 9. * A[3]))
}

/// The share of land at each pixel, and a blurred one, which separates coastal waters from the open sea.
///
/// Works from coarse to fine: each step averages over a smaller square around each pixel, and falls back on the coarser
/// estimate where few points fell. The picture is complete with a thousand points and sharp with a hundred million.
fn land_share(hits: &ArrayView2<'_, Hits>) -> (Array2<f64>, Array2<f64>) {
    let mut share = Array2::from_elem(hits.raw_dim(), 0.3);
    let mut coast = share.clone();
    let width = hits.ncols();
    for radius in [width / 16, width / 40, width / 100, width / 400, 0] {
        let area = offset((2 * radius + 1).pow(2));
        let thrown = blur(hits.mapv(|h| f64::from(h.thrown)), radius);
        let land = blur(hits.mapv(|h| f64::from(h.land)), radius);
        share.zip_mut_with(&land, |share, land| *share += land * area);
        share.zip_mut_with(&thrown, |share, thrown| *share /= 1. + thrown * area);
        if radius == width / 100 {
            coast.assign(&share);
        }
    }
    (share, coast)
}

/// Averages over the square of this radius around each pixel, three times, which is close to a Gaussian blur.
fn blur(mut values: Array2<f64>, radius: usize) -> Array2<f64> {
    if radius == 0 {
        return values;
    }
    let mut sums = Vec::new();
    for axis in [Axis(0), Axis(1)].repeat(3) {
        for mut lane in values.lanes_mut(axis) {
            // sums[i] is the sum of the first i values.
            sums.clear();
            sums.push(0.);
            sums.extend(lane.iter().scan(0., |sum, value| {
                *sum += value;
                Some(*sum)
            }));
            let last = lane.len();
            for (i, value) in lane.indexed_iter_mut() {
                let sum = sums[(i + radius + 1).min(last)] - sums[i.saturating_sub(radius)];
                *value = sum / offset(2 * radius + 1);
            }
        }
    }
    values
}

fn land_colour(lat: f64) -> Rgb {
    let north = LAND.partition_point(|(at, _)| *at < lat);
    match (LAND.get(north.wrapping_sub(1)), LAND.get(north)) {
        (Some((lat1, colour1)), Some((lat2, colour2))) => {
            blend(*colour1, *colour2, (lat - lat1) / (lat2 - lat1))
        }
        (Some((_, colour)), None) | (None, Some((_, colour))) => *colour,
        (None, None) => SPACE,
    }
}

fn blend(from: Rgb, to: Rgb, share: f64) -> Rgb {
    std::array::from_fn(|i| from[i] + share * (to[i] - from[i]))
}

#[expect(clippy::cast_sign_loss, reason = "colours lie in [0, 256)")]
fn rgb8(colour: Rgb) -> [u8; 3] {
    colour.map(|channel| channel as u8)
}

fn half(pixels: usize) -> f64 {
    offset(pixels) / 2.
}

#[expect(clippy::cast_precision_loss, reason = "pixels are few")]
fn offset(pixels: usize) -> f64 {
    pixels as f64
}

/// Writes the image as PNG.
pub(crate) fn write_png(path: &Path, image: &Array2<[u8; 3]>) -> Result<(), String> {
    let write = || -> Result<(), png::EncodingError> {
        let file = BufWriter::new(File::create(path)?);
        let (height, width) = image.dim();
        let mut encoder = png::Encoder::new(file, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header()?;
        let bytes: Vec<u8> = image.iter().flatten().copied().collect();
        writer.write_image_data(&bytes)?;
        writer.finish()
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_globe_fits_its_image() {
        for width in [64, 65, 1440, 4001] {
            let canvas = Canvas::new(width);
            let [height, width] = canvas.shape();
            assert_eq!(height, width / 2);
            for lat in (-900..=900).map(|tenth| f64::from(tenth) / 10.) {
                for lon in [-180., -90., 0., 90., 180.] {
                    let [row, column] = canvas.pixel(Point::at(lon, lat));
                    assert!(row < height && column < width, "{lon} {lat}");
                }
            }
        }
        let canvas = Canvas::new(1440);
        assert_eq!(canvas.pixel(Point::at(0., 0.)), [360, 720]);
        let [north, _] = canvas.pixel(Point::at(0., 89.));
        let [south, _] = canvas.pixel(Point::at(0., -89.));
        assert!(north < 30 && south > 690);
        let [_, west] = canvas.pixel(Point::at(-179., 0.));
        let [_, east] = canvas.pixel(Point::at(179., 0.));
        assert!(west < 40 && east > 1400);
    }

    #[test]
    fn a_parallel_is_found_from_its_height() {
        for lat in (-90..=90).map(f64::from) {
            let parallel = Parallel::new(lat.to_radians().sin());
            let found = Parallel::at(parallel.y).unwrap();
            assert!((found.lat - lat).abs() < 1e-5, "{lat}: {}", found.lat);
        }
        assert!(Parallel::at(1.4).is_none());
    }

    #[test]
    fn the_projection_keeps_areas() {
        // The area between two parallels over that of the globe, on the map and on the sphere.
        let strip = |lat: f64| {
            let [a, b] = [lat, lat + 0.1].map(|lat| Parallel::new(lat.to_radians().sin()));
            let on_map = (a.half_width + b.half_width) * (b.y - a.y);
            let on_sphere = (lat + 0.1).to_radians().sin() - lat.to_radians().sin();
            on_map / (on_sphere * 2. * std::f64::consts::PI)
        };
        for lat in [-80., -45., 0., 30., 60., 85.] {
            assert!((strip(lat) - 1.).abs() < 1e-4, "{lat}: {}", strip(lat));
        }
    }

    #[test]
    fn shares_fill_in_where_nothing_fell() {
        let mut hits = Array2::from_elem((32, 64), Hits::default());
        hits.row_mut(3).fill(Hits { thrown: 9, land: 9 });
        hits.row_mut(28).fill(Hits { thrown: 9, land: 0 });
        let (share, _) = land_share(&hits.view());
        assert!(share.iter().all(|s| (0. ..=1.).contains(s)));
        assert!(share[[3, 10]] > 0.9 && share[[28, 10]] < 0.1);
        assert!(share[[4, 10]] > 0.7 && share[[27, 10]] < 0.2);
    }
}
