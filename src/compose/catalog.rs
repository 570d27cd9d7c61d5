//! The built-in catalog with an operator's files over it.

use std::path::Path;

use anyhow::Context;
use mintmark_domain::catalog::Sources;

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// How deep folders may lie.
const DEPTH_MAX: usize = 4;

/// The built-in texts; those below `directory` (`*.toml` and `*.lock`) go over the ones of the same
/// path.
pub fn catalog_sources(directory: Option<&Path>) -> anyhow::Result<Sources> {
    let mut sources = Sources::embedded();
    if let Some(directory) = directory {
        let mut files = Vec::new();
        collect(directory, 0, &mut files)
            .with_context(|| format!("the catalog directory {} cannot be read", directory.display()))?;
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let path = file.strip_prefix(directory).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            sources = sources.with(path, text);
        }
    }
    Ok(sources)
}

fn collect(directory: &Path, depth: usize, files: &mut Vec<std::path::PathBuf>) -> anyhow::Result<()> {
    anyhow::ensure!(depth < DEPTH_MAX, "folders lie deeper than {DEPTH_MAX}");
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.metadata()?);
        if kind.is_dir() {
            collect(&path, depth + 1, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml" || extension == "lock") {
            anyhow::ensure!(kind.len() <= FILE_BYTES_MAX, "{} is larger than {FILE_BYTES_MAX} bytes", path.display());
            files.push(path);
        }
    }
    Ok(())
}
