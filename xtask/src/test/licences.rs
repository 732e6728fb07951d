//! Checks that the licence of every dependency is one of those that `deny.toml` allows.
//!
//! `cargo deny` does the same and more, but is a large program to install; this check is always there.

use crate::cargo;
use crate::report::{Row, Verdict};
use std::collections::BTreeSet;
use std::time::Instant;

/// Fails if a dependency, of any target and any feature, has a licence that is not allowed.
pub(crate) fn allowed() -> Row {
    let row = Row::new("licences");
    let start = Instant::now();
    let verdict = match found() {
        Ok(problems) if problems.is_empty() => Verdict::Passed,
        Ok(problems) => Verdict::Failed(problems.join("; ")),
        Err(why) => Verdict::Failed(why),
    };
    Row {
        seconds: start.elapsed().as_secs_f64(),
        verdict,
        ..row
    }
}

fn found() -> Result<Vec<String>, String> {
    let file = cargo::root().join("deny.toml");
    let text =
        std::fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
    let allowed = list(&text).ok_or("deny.toml has no list `allow` of licences")?;
    let mut tree = cargo::cargo();
    tree.args(["tree", "--workspace", "--all-features", "--target", "all"])
        .args(["--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}\t{l}"]);
    let output = tree.output().map_err(|why| format!("cargo tree: {why}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo tree: {}", told.trim_end()));
    }
    Ok(problems(&String::from_utf8_lossy(&output.stdout), &allowed))
}

/// The licences in the list `allow` of `deny.toml`.
fn list(text: &str) -> Option<Vec<&str>> {
    let (_, rest) = text.split_once("\nallow = [\n")?;
    let (list, _) = rest.split_once("\n]")?;
    list.lines()
        .map(|line| Some(line.trim().strip_prefix('"')?.split_once('"')?.0))
        .collect()
}

/// The lines of `cargo tree` whose licence is missing, unknown, or not allowed.
fn problems(tree: &str, allowed: &[&str]) -> Vec<String> {
    let packages: BTreeSet<(&str, &str)> = tree
        .lines()
        // Packages that were listed before are marked with a star.
        .filter_map(|line| line.trim_end_matches(" (*)").split_once('\t'))
        .collect();
    let problem = |(package, licence): &(&str, &str)| {
        // Some crates still write `MIT/Apache-2.0`.
        let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX);
        let Ok(expression) = expression else {
            return Some(format!("{package}: no licence in `{licence}`"));
        };
        let allows = |requirement: &spdx::LicenseReq| allowed.contains(&&*requirement.to_string());
        (!expression.evaluate(allows)).then(|| format!("{package}: `{licence}` is not allowed"))
    };
    packages.iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_without_comments() {
        let text = "[licenses]\nallow = [\n    \"MIT\",\n    \"ISC\", # x\n]\nother = [\n]\n";
        assert_eq!(list(text), Some(vec!["MIT", "ISC"]));
        assert_eq!(list("[licenses]\nallow = []\n"), None);
    }

    #[test]
    fn the_list_of_the_project_can_be_read() {
        let text = std::fs::read_to_string(cargo::root().join("deny.toml")).unwrap();
        assert!(list(&text).unwrap().contains(&"MIT"));
    }

    #[test]
    fn alternatives_and_conjunctions_are_understood() {
        let tree = "a v1.0.0\tMIT OR Apache-2.0\nb v1.0.0\tMIT/Apache-2.0\n\n\
            c v1.0.0\t(MIT OR Apache-2.0) AND Unicode-3.0\na v1.0.0\tMIT OR Apache-2.0 (*)\n";
        assert!(problems(tree, &["MIT", "Unicode-3.0"]).is_empty());
        assert_eq!(
            problems(tree, &["MIT"]),
            ["c v1.0.0: `(MIT OR Apache-2.0) AND Unicode-3.0` is not allowed"]
        );
        let exception = "d v1.0.0\tApache-2.0 WITH LLVM-exception\n";
        assert_eq!(problems(exception, &["Apache-2.0"]).len(), 1);
        assert_eq!(
            problems("e v1.0.0\t\n", &["MIT"]),
            ["e v1.0.0: no licence in ``"]
        );
    }
}
