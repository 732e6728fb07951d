//! A picture of the map, and below it of the hits.

use crate::scan::{COLUMNS, ROWS};
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

/// Dots along each side of a pixel, and between the two pictures.
const DOTS: usize = 8;
const GAP: usize = 8;
/// The signal in microkelvin that has the brightest colour.
const LARGEST: f64 = 5000.0;
const NOTHING: [u8; 3] = [128; 3];

/// Writes the picture as PNG.
pub(crate) fn write(file: &str, map: &[f64], hits: &[u32]) -> Result<(), Box<dyn Error>> {
    let most = f64::from(hits.iter().copied().max().unwrap_or(0).max(1));
    let of_map: Vec<[u8; 3]> = map.iter().map(|&signal| of_signal(signal)).collect();
    // Rings meet near the poles, where there are a hundred times as many hits as elsewhere.
    let grey = |&hits: &u32| [(255.0 * (f64::from(hits) / most).powf(0.35)) as u8; 3];
    let of_hits: Vec<[u8; 3]> = hits.iter().map(grey).collect();

    let mut dots = Vec::new();
    for (index, colours) in [of_map, of_hits].iter().enumerate() {
        dots.extend(std::iter::repeat_n([255; 3], index * GAP * COLUMNS * DOTS));
        for row in colours.chunks(COLUMNS) {
            for _ in 0..DOTS {
                dots.extend(row.iter().flat_map(|&colour| [colour; DOTS]));
            }
        }
    }
    let (width, height) = (COLUMNS * DOTS, 2 * ROWS * DOTS + GAP);
    let out = BufWriter::new(File::create(file)?);
    let mut encoder = png::Encoder::new(out, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(dots.as_flattened())?;
    writer.finish()?;
    Ok(())
}

/// Blue for what is colder than the mean, red for what is hotter.
fn of_signal(signal: f64) -> [u8; 3] {
    if signal.is_nan() {
        return NOTHING;
    }
    let part = (signal / LARGEST).clamp(-1.0, 1.0);
    let faded = (255.0 * (1.0 - part.abs())) as u8;
    if part < 0.0 {
        [faded, faded, 255]
    } else {
        [255, faded, faded]
    }
}
