use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// Passes if nothing that is written would replace what is read, or what else is written.
///
/// Two paths are one place if they name the same file, also by links or by way of `.` and `..`. A device is no place: what is
/// written to it replaces nothing.
pub(crate) fn apart<'a>(
    written: impl IntoIterator<Item = &'a Path>,
    read: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let mut taken: Vec<PathBuf> = read.into_iter().filter_map(place).collect();
    for path in written {
        let Some(place) = place(path) else { continue };
        if taken.contains(&place) {
            return Err(Failure::Replace {
                path: path.to_owned(),
            });
        }
        taken.push(place);
    }
    Ok(())
}

/// Whether both name one file.
pub(crate) fn same(one: &Path, other: &Path) -> bool {
    place(one).is_some_and(|one| place(other) == Some(one))
}

/// Where a file is, or would be; none for a device, or in a folder that is not there.
fn place(path: &Path) -> Option<PathBuf> {
    match path.canonicalize() {
        Ok(place) => place.is_file().then_some(place),
        Err(_) => {
            let folder = match path.parent()? {
                folder if folder.as_os_str().is_empty() => Path::new("."),
                folder => folder,
            };
            Some(folder.canonicalize().ok()?.join(path.file_name()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_by_several_names_is_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "").unwrap();
        assert!(same(&at("a"), &at("./a")));
        // neither is there
        assert!(same(&at("b"), &folder.path().join(".").join("b")));
        assert!(!same(&at("a"), &at("b")));
        assert!(!same(&at("missing/a"), &at("missing/a")));
        assert!(apart([&*at("b")], [&*at("a")]).is_ok());
        assert!(apart([&*at("b"), &*at("b")], []).is_err());
        assert!(apart([&*at("a")], [&*at("b"), &*at("a")]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_their_file_and_devices_to_none() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(same(&file, &link));
        assert!(apart(["/dev/null", "/dev/null"].map(Path::new), []).is_ok());
    }
}
