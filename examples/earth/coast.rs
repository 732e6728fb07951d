//! The world's coastlines, and the test whether a point is land.
//!
//! A point is land when its meridian crosses an odd number of coastline edges north of it. Trying all 60,000 edges for
//! each of millions of points would take minutes, so the edges are sorted into [`BINS`] strips of longitude. Only the
//! few dozen edges of the point's own strip are tested, from north to south.
//!
//! [`Coastlines`] owns its tables. The derive generates [`CoastlinesView`], which borrows them from node memory.

use pshmem::SharedLayout;
use std::fs;
use std::path::Path;

/// Strips of longitude, each a tenth of a degree wide: about as wide as the average edge of the 50m file.
const BINS: usize = 3600;

/// The file that comes with this example; the README beside it describes its format.
pub(crate) const DEFAULT_FILE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/land-50m.csv");

const HEADER: &str = "ring,lon_deg,lat_deg";

/// The coastlines and their index by longitude.
#[derive(Debug, Default, SharedLayout)]
pub(crate) struct Coastlines {
    /// Longitude of each vertex in degrees, in [-180, 180). Each ring ends on the vertex that it starts from.
    pub(crate) lon: Vec<f64>,
    /// Latitude of each vertex in degrees.
    pub(crate) lat: Vec<f64>,
    /// Strip `b` owns `strips[first[b]..first[b + 1]]`.
    pub(crate) first: Vec<u32>,
    /// The edges of all strips, the one that reaches farthest north first. Edge `e` joins the vertices `e` and `e + 1`.
    pub(crate) strips: Vec<u32>,
}

impl Coastlines {
    /// Reads a file of coastlines. An error names the file, the line, and what is wrong.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| Self::parse(&text))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads lines of `ring,lon_deg,lat_deg`. A ring is a run of lines with the same number; its last vertex repeats its
    /// first.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = (1..)
            .zip(text.lines().map(str::trim_end))
            .filter(|(_, text)| !text.is_empty());
        if lines.next().is_none_or(|(_, header)| header != HEADER) {
            return Err(format!("the first line must be `{HEADER}`"));
        }

        let mut coast = Self::default();
        let mut edges = Vec::new();
        // The ring that is being read: its number, its first vertex, and the line it began on.
        let mut ring: Option<(u32, usize, usize)> = None;
        for (line, text) in lines {
            let at_line = |error| format!("line {line}: {error}");
            let (number, lon, lat) = parse_vertex(text).map_err(at_line)?;
            match ring {
                Some((open, _, _)) if open == number => {
                    let before = coast.lon.len() - 1;
                    if turn(coast.lon[before], lon).abs() >= 180. {
                        return Err(at_line(
                            "this edge spans half the globe: which way round?".to_owned(),
                        ));
                    }
                    edges.push(before);
                }
                _ => {
                    coast.check_closed(ring)?;
                    ring = Some((number, coast.lon.len(), line));
                }
            }
            coast.lon.push(lon);
            coast.lat.push(lat);
        }
        coast.check_closed(ring)?;
        if edges.is_empty() {
            return Err("no coastline in it".to_owned());
        }
        coast.sort_into_strips(&edges)?;
        Ok(coast)
    }

    /// Only closed rings have an inside.
    #[expect(clippy::float_cmp, reason = "a closed ring repeats its first vertex")]
    fn check_closed(&self, ring: Option<(u32, usize, usize)>) -> Result<(), String> {
        let Some((number, first, line)) = ring else {
            return Ok(());
        };
        let last = self.lon.len() - 1;
        if self.lon[first] == self.lon[last] && self.lat[first] == self.lat[last] {
            Ok(())
        } else {
            Err(format!(
                "line {line}: ring {number} does not end where it begins"
            ))
        }
    }

    fn sort_into_strips(&mut self, edges: &[usize]) -> Result<(), String> {
        let mut strips = vec![Vec::new(); BINS];
        for &edge in edges {
            let index = u32::try_from(edge).map_err(|_| "more than 2^32 vertices")?;
            let (from, to) = (self.lon[edge], self.lon[edge + 1]);
            // From the edge's west end to its east end, over the antimeridian where that is the way.
            let (west, east) = if turn(from, to) < 0. {
                (to, from)
            } else {
                (from, to)
            };
            let end = strip_of(east);
            let mut strip = strip_of(west);
            strips[strip].push(index);
            while strip != end {
                strip = (strip + 1) % BINS;
                strips[strip].push(index);
            }
        }

        self.first.push(0);
        for strip in &mut strips {
            let north_end = |&e: &u32| self.lat[e as usize].max(self.lat[e as usize + 1]);
            strip.sort_by(|a, b| north_end(b).total_cmp(&north_end(a)));
            self.strips.append(strip);
            self.first
                .push(u32::try_from(self.strips.len()).map_err(|_| "too many edges")?);
        }
        Ok(())
    }
}

impl CoastlinesView<'_> {
    /// Whether the point at this longitude, in [-180, 180), and latitude is land.
    pub(crate) fn is_land(&self, lon: f64, lat: f64) -> bool {
        let strip = strip_of(lon);
        let edges = &self.strips[self.first[strip] as usize..self.first[strip + 1] as usize];
        let mut land = false;
        for edge in edges.iter().map(|&e| e as usize) {
            let (lat1, lat2) = (self.lat[edge], self.lat[edge + 1]);
            if lat1.max(lat2) <= lat {
                break; // This edge ends south of the point, and so do all that follow.
            }
            // How far east of either end the point's meridian is. With opposite signs it lies between them, or
            // half the globe away. Two edges that share a vertex compute the same number for it, so that no
            // meridian slips through between them or is counted twice.
            let (east1, east2) = (turn(self.lon[edge], lon), turn(self.lon[edge + 1], lon));
            let width = east1 - east2;
            if (east1 < 0.) != (east2 < 0.) && width.abs() < 180. {
                land ^= lat1 + east1 / width * (lat2 - lat1) > lat;
            }
        }
        land
    }
}

/// One line of the file: the number of its ring, its longitude in [-180, 180), its latitude.
fn parse_vertex(line: &str) -> Result<(u32, f64, f64), String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [ring, lon, lat] = fields[..] else {
        return Err(format!(
            "`{line}` has {} columns, not `{HEADER}`",
            fields.len()
        ));
    };
    let ring = ring
        .parse()
        .map_err(|_| format!("`{ring}` is not the number of a ring"))?;
    let degrees = |text: &str, limit: f64| match text.parse::<f64>() {
        Ok(value) if value.abs() <= limit => Ok(value),
        _ => Err(format!("`{text}` is not a number from -{limit} to {limit}")),
    };
    Ok((ring, turn(0., degrees(lon, 180.)?), degrees(lat, 90.)?))
}

/// The strip that holds a longitude in [-180, 180).
#[expect(
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "longitudes begin at -180, strips are few"
)]
fn strip_of(lon: f64) -> usize {
    // `min`: a longitude a rounding error below 180 may be rounded up.
    (((lon + 180.) / 360. * BINS as f64) as usize).min(BINS - 1)
}

/// How far to turn east from one longitude to the other, the short way: in [-180, 180).
fn turn(from: f64, to: f64) -> f64 {
    let degrees = to - from;
    if degrees >= 180. {
        degrees - 360.
    } else if degrees < -180. {
        degrees + 360.
    } else {
        degrees
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sphere::Points;

    impl Coastlines {
        fn view(&self) -> CoastlinesView<'_> {
            CoastlinesView {
                lon: &self.lon,
                lat: &self.lat,
                first: &self.first,
                strips: &self.strips,
            }
        }
    }

    fn world() -> Coastlines {
        Coastlines::read(Path::new(DEFAULT_FILE)).unwrap()
    }

    #[test]
    fn strips_give_what_trying_every_edge_gives() {
        // The rule as the data's README words it: every edge of the file, no strips.
        let text = fs::read_to_string(DEFAULT_FILE).unwrap();
        let vertices: Vec<[f64; 3]> = text
            .lines()
            .skip(1)
            .map(|line| {
                let fields: Vec<f64> = line.split(',').map(|text| text.parse().unwrap()).collect();
                fields.try_into().unwrap()
            })
            .collect();
        let is_land = |lon: f64, lat: f64| {
            let wrap = |d: f64| (d + 180.).rem_euclid(360.) - 180.;
            let crossed = vertices.windows(2).filter(|edge| {
                let ([ring1, lon1, lat1], [ring2, lon2, lat2]) = (edge[0], edge[1]);
                let t = wrap(lon - lon1) / wrap(lon2 - lon1);
                ring1.to_bits() == ring2.to_bits()
                    && (0. ..1.).contains(&t)
                    && lat1 + t * (lat2 - lat1) > lat
            });
            crossed.count() % 2 == 1
        };

        let world = world();
        for point in Points::new(7, 0).take(1000) {
            let (lon, lat) = (point.lon(), point.lat());
            assert_eq!(
                world.view().is_land(lon, lat),
                is_land(lon, lat),
                "at {lon}, {lat}"
            );
        }
    }

    #[test]
    fn the_share_of_land_is_the_area_between_the_coastlines() {
        // By integration: on the unit sphere the area between an edge and the north pole is its width times one
        // minus the mean sine of its latitudes. Land lies on the same side of all edges of the file.
        let world = world();
        let edges: BTreeSet<usize> = world.strips.iter().map(|&edge| edge as usize).collect();
        let mut area = 0.;
        for edge in edges {
            let [lat1, lat2] = [world.lat[edge], world.lat[edge + 1]].map(f64::to_radians);
            let mean_sine = if (lat2 - lat1).abs() < 1e-9 {
                lat1.sin()
            } else {
                (lat1.cos() - lat2.cos()) / (lat2 - lat1)
            };
            area += turn(world.lon[edge], world.lon[edge + 1]).to_radians() * (1. - mean_sine);
        }
        let share = area.abs() / (4. * std::f64::consts::PI);
        assert!((share - 0.287_48).abs() < 1e-5, "{share}");

        let n = 100_000_u32;
        let land = Points::new(1, 0)
            .take(n as usize)
            .filter(|point| world.view().is_land(point.lon(), point.lat()))
            .count() as u32;
        let thrown = f64::from(land) / f64::from(n);
        let sigma = (share * (1. - share) / f64::from(n)).sqrt();
        assert!((thrown - share).abs() < 4. * sigma, "{thrown} {share}");
    }

    #[test]
    fn the_world_is_where_it_should_be() {
        let world = world();
        for (place, lon, lat, land) in [
            ("Paris", 2.35, 48.86, true),
            ("Alice Springs", 133.88, -23.70, true),
            ("the Chukchi peninsula, east of 180", -175.0, 67.0, true),
            ("the Chukchi peninsula, west of 180", 175.0, 68.0, true),
            ("on 180 itself", -180.0, 68.0, true),
            ("the south pole", 0.0, -89.99, true),
            ("the north pole", 0.0, 89.99, false),
            ("the Gulf of Guinea", 0.0, 0.0, false),
            ("the Pacific on 180", -180.0, 0.0, false),
            ("the strait of Gibraltar", -5.6, 35.95, false),
        ] {
            assert_eq!(world.view().is_land(lon, lat), land, "{place}");
        }
    }

    #[test]
    fn a_meridian_through_a_corner_is_counted_right() {
        // A diamond on the antimeridian: its corners lie on meridians that are tried exactly.
        let diamond = "ring,lon_deg,lat_deg\n0,170,0\n0,180,10\n0,-170,0\n0,-180,-10\n0,170,0\n";
        let diamond = Coastlines::parse(diamond).unwrap();
        for (lon, lat, land) in [
            (-180.0, 0.0, true),
            (-180.0, 9.9, true),
            (-180.0, 10.1, false),
            (-180.0, -10.1, false),
            (169.9, 0.0, false),
            (175.0, 4.9, true),
            (175.0, 5.1, false),
            (-175.0, -4.9, true),
            (-170.0, 0.5, false),
            (0.0, 0.0, false),
        ] {
            assert_eq!(diamond.view().is_land(lon, lat), land, "at {lon}, {lat}");
        }
    }

    #[test]
    fn a_broken_file_gets_a_message_that_names_the_line() {
        let with = |lines: &str| Coastlines::parse(&format!("{HEADER}\n{lines}")).unwrap_err();
        assert!(
            Coastlines::parse("")
                .unwrap_err()
                .contains("first line must be")
        );
        assert_eq!(with(""), "no coastline in it");
        assert!(with("0,1.0").starts_with("line 2: `0,1.0` has 2 columns"));
        assert!(with("0,1,2\n\n0;1;3").starts_with("line 4: `0;1;3` has 1 columns"));
        assert!(with("0,1,2\n0,east,2").starts_with("line 3: `east` is not a number"));
        assert!(with("0,NaN,2").contains("`NaN` is not a number from -180 to 180"));
        assert!(with("0,1,90.5").contains("`90.5` is not a number from -90 to 90"));
        assert!(with("x,1,2").contains("`x` is not the number of a ring"));
        assert!(with("0,1,2\n0,1,3\n1,5,5").starts_with("line 2: ring 0 does not end"));
        assert!(with("0,-90,2\n0,90,3\n").starts_with("line 3: this edge spans"));
        assert!(
            Coastlines::read(Path::new("no/such/file"))
                .unwrap_err()
                .starts_with("no/such/file: ")
        );
    }
}
