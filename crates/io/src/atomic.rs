//! Files that are written whole or not at all.
//!
//! The bytes go to a temporary file in the same folder, are forced to the disk, and the temporary file is renamed onto the
//! path; then the folder is forced to the disk too. Whenever the writer is killed or the power fails, the path holds what it
//! held before or all of the new bytes. A write that fails, for a full disk or a folder one may not write to, leaves what
//! was there and removes its temporary file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::IoError;

/// Writes a file whole or not at all.
///
/// The folder must exist. A symbolic link is followed, so that the file it points to is replaced and not the link.
/// An existing file keeps its permissions. A device or a pipe, such as `/dev/stdout`, is written to directly.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("result.txt");
/// neuromanifold_io::atomic::write(&path, "first")?;
/// neuromanifold_io::atomic::write(&path, "second")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"second");
/// assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
/// # Ok::<(), neuromanifold_io::IoError>(())
/// ```
///
/// # Errors
/// [`IoError::Write`] with the path; what was there before is still there.
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<(), IoError> {
    let path = path.as_ref();
    replace(path, bytes.as_ref()).map_err(|source| IoError::Write {
        path: path.to_owned(),
        source,
    })
}

/// [`write()`] for callers whose own error names the path.
///
/// # Errors
/// What the system answered; what was there before is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let before = fs::metadata(&target).ok();
    if before.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        // A device or a pipe has no contents to protect, and must not be replaced by a file.
        return OpenOptions::new()
            .write(true)
            .open(&target)?
            .write_all(bytes);
    }
    if target.file_name().is_none() {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let (mut file, temporary) = create_beside(folder)?;
    let written = (|| {
        file.write_all(bytes)?;
        if let Some(before) = before {
            file.set_permissions(before.permissions())?;
        }
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, &target)
    })();
    if written.is_err() {
        // The error that matters is the first; a temporary file that cannot be removed changes nothing about it.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    sync_folder(folder)
}

/// A new file in the folder, under a name that no other process or thread has.
fn create_beside(folder: &Path) -> io::Result<(File, PathBuf)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".neuromanifold-{}-{count}.tmp", process::id()));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            // Left by a killed process that had our number; the next name is free sooner or later.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (file, temporary)),
        }
    }
}

/// Makes the rename itself survive a power failure.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some network file systems cannot; a folder one may write to but not list cannot be opened. The file is there.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Elsewhere a folder cannot be opened as a file; the rename is as durable as the file system makes it.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn writing_replaces_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, [1, 2]).unwrap();
        write(&path, [3]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [3]);
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn a_folder_in_the_place_of_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::create_dir(&path).unwrap();
        let error = write(&path, "text").unwrap_err();
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
        assert!(path.is_dir());
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no").join("a");
        assert!(matches!(write(&path, "text"), Err(IoError::Write { path: at, .. }) if at == path));
    }

    #[test]
    fn a_path_that_names_nothing_is_an_error() {
        for path in ["", "/", ".."] {
            assert!(write(path, "text").is_err(), "{path}");
        }
    }

    /// Every write to this device fails as on a full disk.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_path() {
        let error = write("/dev/full", "text").unwrap_err();
        assert!(
            matches!(&error, IoError::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull)
        );
        assert!(error.to_string().contains("/dev/full"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_of_the_kernel_refuses_files() {
        let error = write("/proc/neuromanifold", "text").unwrap_err();
        assert!(error.to_string().contains("/proc/neuromanifold"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_kept() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }

    #[test]
    fn threads_that_write_one_file_leave_one_of_the_versions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::thread::scope(|scope| {
            for version in 0..8_u8 {
                let path = &path;
                scope.spawn(move || write(path, vec![version; 5000]).unwrap());
            }
        });
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 5000);
        assert!(bytes.iter().all(|byte| *byte == bytes[0]));
        assert_eq!(entries(folder.path()), 1);
    }
}
