//! What the engine's build is known by: a digest of its sources, which `initialize` answers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    let mut sources = vec![PathBuf::from("Cargo.toml")];
    add_sources(Path::new("src"), &mut sources)?;
    sources.sort();
    let mut digest = Sha256::new();
    for path in &sources {
        digest.update(path.to_string_lossy().as_bytes());
        digest.update(fs::read(path)?);
    }
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=Cargo.toml");
    println!("cargo:rustc-env=SOURCE_DIGEST=sha256:{:x}", digest.finalize());
    Ok(())
}

fn add_sources(folder: &Path, sources: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add_sources(&path, sources)?;
        } else {
            sources.push(path);
        }
    }
    Ok(())
}
