//! Counts the globe in bands of latitude, each a task of a batch. A run that was killed can be continued, and several runs may
//! share the work.
//!
//! A task throws all points and counts those in its band, so the map is the same as without bands. It writes its counts into a
//! file in its directory; the map is put together from these files when all bands are done.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayViewMut2};
use pshmem::{Batch, Comm, TaskState};

use crate::Failure;
use crate::coast::CoastlinesView;
use crate::map::{Canvas, Hits};
use crate::options::Options;
use crate::sphere::{BLOCK, Point, Points};

/// The file with the counts of a band.
const FILE: &str = "hits";

/// The state directory of a run with these options.
fn folder(options: &Options) -> PathBuf {
    options.dir.join(format!(
        "seed{}-total{}-width{}-bands{}",
        options.seed, options.total, options.width, options.bands
    ))
}

fn name(band: usize) -> String {
    format!("band{band:04}")
}

/// The band of a point. All bands have the same area, because slices of a sphere of equal height do.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "between 0 and the number of bands"
)]
fn band_of(point: Point, bands: usize) -> usize {
    let height = f64::midpoint(point.sin_lat(), 1.) * bands as f64;
    (height as usize).min(bands - 1)
}

/// Counts the bands that are not done yet. Collective.
pub(crate) fn count(
    comm: &Comm,
    coast: CoastlinesView<'_>,
    canvas: Canvas,
    options: &Options,
) -> Result<(), Failure> {
    let batch = Batch::builder(comm, options.bands)
        .state_dir(folder(options), (0..options.bands).map(name))
        .progress(true)
        .build()?;
    let report = batch.run(|task, _| -> Result<(), Failure> {
        let counts = one(coast, canvas, options, task.index());
        let dir = task.dir().ok_or("a batch with a directory")?;
        write(dir, &counts)
    })?;
    if comm.rank() == 0 {
        println!("{report}");
    }
    match options.bands - report.count(TaskState::Done) {
        0 => Ok(()),
        missing => Err(format!("{missing} bands have failed, or another run has them").into()),
    }
}

/// The counts of one band.
fn one(coast: CoastlinesView<'_>, canvas: Canvas, options: &Options, band: usize) -> Array2<Hits> {
    let mut counts = Array2::from_elem(canvas.shape(), Hits::default());
    for block in 0..options.total.div_ceil(BLOCK) {
        let end = options.total.min((block + 1) * BLOCK);
        let points = Points::new(options.seed, block).take((end - block * BLOCK) as usize);
        for point in points.filter(|&point| band_of(point, options.bands) == band) {
            counts[canvas.pixel(point)] += Hits {
                thrown: 1,
                land: u32::from(coast.is_land(point.lon(), point.lat())),
            };
        }
    }
    counts
}

/// Writes the pixels that were hit. The file appears complete or not at all.
fn write(dir: &Path, counts: &Array2<Hits>) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for ((row, column), hits) in counts.indexed_iter().filter(|(_, hits)| hits.thrown > 0) {
        for number in [row as u32, column as u32, hits.thrown, hits.land] {
            bytes.extend(number.to_le_bytes());
        }
    }
    let spare = dir.join(format!(".{FILE}.{}", std::process::id()));
    fs::write(&spare, bytes)?;
    Ok(fs::rename(spare, dir.join(FILE))?)
}

/// Adds the counts of all bands.
pub(crate) fn add(options: &Options, map: &mut ArrayViewMut2<'_, Hits>) -> Result<(), Failure> {
    for band in 0..options.bands {
        let file = folder(options).join(name(band)).join(FILE);
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (pixels, rest) = bytes.as_chunks::<16>();
        for pixel in pixels {
            let (numbers, _) = pixel.as_chunks::<4>();
            let [row, column, thrown, land] =
                [0, 1, 2, 3].map(|at: usize| u32::from_le_bytes(numbers[at]));
            let hits = map.get_mut([row as usize, column as usize]);
            *hits.ok_or_else(|| format!("{} is no part of this map", file.display()))? +=
                Hits { thrown, land };
        }
        if !rest.is_empty() {
            return Err(format!("{} is cut off", file.display()).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_share_the_globe() {
        let points = Points::new(3, 1).take(1000);
        let mut counts = [0; 7];
        for point in points {
            counts[band_of(point, 7)] += 1;
        }
        assert_eq!(counts.iter().sum::<i32>(), 1000);
        assert!(counts.iter().all(|&count| count > 50), "{counts:?}");
        assert_eq!(band_of(Point::at(0., 90.), 7), 6);
        assert_eq!(band_of(Point::at(0., -90.), 7), 0);
    }

    #[test]
    fn what_is_written_is_added() {
        let dir = std::env::temp_dir().join(format!("earth-bands-{}", std::process::id()));
        let arguments = ["--bands", "1", "--dir"].map(str::to_owned);
        let arguments = arguments.into_iter().chain([dir.display().to_string()]);
        let options = Options::parse(arguments).unwrap().unwrap();
        let task = folder(&options).join(name(0));
        fs::create_dir_all(&task).unwrap();
        let mut counts = Array2::from_elem([2, 3], Hits::default());
        counts[[1, 2]] = Hits { thrown: 5, land: 3 };
        write(&task, &counts).unwrap();
        let mut map = counts.clone();
        add(&options, &mut map.view_mut()).unwrap();
        assert_eq!(
            map[[1, 2]],
            Hits {
                thrown: 10,
                land: 6
            }
        );
        fs::write(task.join(FILE), [0; 5]).unwrap();
        assert!(add(&options, &mut map.view_mut()).is_err());
        fs::remove_dir_all(dir).unwrap();
    }
}
