//! Pictures: drawn from a prompt and a seed, showing the reference pictures they were given.

mod abstracts;
mod canvas;
mod codec;
mod made;
mod nature;
mod palette;
mod references;
mod rework;
mod scene;
mod size;
mod vector;

pub use codec::ImageFormat;
pub(crate) use codec::{Plane, Rgb, cover_part, decode_image, fit_cover, scale};
pub use rework::{cut_out, portrait, upscale_image};
pub use size::{parse_ratio, size_for, video_size_for};
pub use vector::{draw_svg, svg_size};

use bytes::Bytes;

use crate::error::MediaError;
use crate::limits::{EDGE_MIN, IMAGE_DRAWN_EDGE_MAX, IMAGE_EDGE_MAX, INPUTS_MAX};
use crate::seed::Root;

/// The outer form of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// File format.
    pub format: ImageFormat,
}

/// Draws a picture from a prompt and a seed.
///
/// The same arguments give the same bytes. The prompt's words choose scene and colours where they
/// name something drawable (mountains, sea, city, portrait, sunset, night …); its hash chooses all
/// else. Where `references` are given (PNG, JPEG or WebP files), they are shown in the picture, each
/// as a framed print in the order given, so that one can see which inputs a result came from.
///
/// Memory: about four bytes per drawn pixel (64 MiB at the most) besides the decoded references.
///
/// # Errors
/// [`MediaError::Size`] beyond [`IMAGE_EDGE_MAX`] or below [`EDGE_MIN`], [`MediaError::TooManyInputs`],
/// [`MediaError::Input`] for a reference that cannot be read.
pub fn draw_image(prompt: &str, seed: u64, picture: Picture, references: &[Bytes]) -> Result<Vec<u8>, MediaError> {
    let decoded = decode_all(references)?;
    let rgb = paint(prompt, seed, picture.width, picture.height, &decoded)?;
    codec::encode(&rgb, picture.format)
}

/// How bright a picture is on the whole: 0 to 255.
///
/// # Errors
/// [`MediaError::Input`] for what cannot be read.
pub fn brightness(file: &Bytes) -> Result<u8, MediaError> {
    let small = scale(&decode_image(file, 0)?, 16, 16);
    let sum: u32 = small.data.iter().map(|value| u32::from(*value)).sum();
    Ok((sum / small.data.len().max(1) as u32) as u8)
}

/// Reads all references, or says which one cannot be read.
pub(crate) fn decode_all(references: &[Bytes]) -> Result<Vec<Rgb>, MediaError> {
    if references.len() > INPUTS_MAX {
        return Err(MediaError::TooManyInputs { given: references.len(), max: INPUTS_MAX });
    }
    references.iter().enumerate().map(|(index, bytes)| decode_image(bytes, index)).collect()
}

/// Draws the picture as plain pixels.
pub(crate) fn paint(prompt: &str, seed: u64, width: u32, height: u32, references: &[Rgb]) -> Result<Rgb, MediaError> {
    let size_error = MediaError::Size { width, height, min: EDGE_MIN, max: IMAGE_EDGE_MAX };
    if [width, height].iter().any(|edge| !(EDGE_MIN..=IMAGE_EDGE_MAX).contains(edge)) {
        return Err(size_error);
    }
    let root = Root::new(prompt, seed);
    let shrink = (IMAGE_DRAWN_EDGE_MAX as f32 / width.max(height) as f32).min(1.0);
    let drawn = |edge: u32| ((edge as f32 * shrink).round() as u32).max(EDGE_MIN);
    let (mut canvas, palette) = scene::draw(prompt, &root, drawn(width), drawn(height)).ok_or(size_error)?;
    references::hang(&mut canvas, &palette, &mut root.stream("references"), references);
    let rgb = Rgb::from_opaque(canvas.into_pixmap());
    Ok(if (rgb.width, rgb.height) == (width, height) { rgb } else { scale(&rgb, width, height) })
}
