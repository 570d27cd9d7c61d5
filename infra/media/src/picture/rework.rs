//! Pictures of others, worked on: enlarged, or freed of their background.

use std::collections::VecDeque;

use bytes::Bytes;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::codec::{self, ImageFormat, Rgb, decode_image};
use crate::error::MediaError;
use crate::limits::{EDGE_MIN, PORTRAIT_PIXELS_MAX, UPSCALED_IMAGE_EDGE_MAX};

/// How many colours stand for the border of a picture.
const BORDER_COLOURS: usize = 6;
/// How far a pixel may lie from its neighbour and still be the same surface (sum over the channels).
const STEP_MAX: u32 = 42;
/// How far it may lie from the border's colours.
const BORDER_MAX: u32 = 110;
/// Farther than that from every colour of the border nothing counts as background, however softly
/// it changes.
const NEAR_BORDER: u32 = 36;

/// Enlarges a picture by a factor. Transparency is laid on white, the camera's orientation applied.
///
/// # Errors
/// [`MediaError::Input`] for what cannot be read, [`MediaError::Size`] where an edge would be longer
/// than [`UPSCALED_IMAGE_EDGE_MAX`].
pub fn upscale_image(file: &Bytes, factor: u32, format: ImageFormat) -> Result<Vec<u8>, MediaError> {
    let rgb = decode_image(file, 0)?;
    let (width, height) = (rgb.width.saturating_mul(factor), rgb.height.saturating_mul(factor));
    if factor == 0 || width.max(height) > UPSCALED_IMAGE_EDGE_MAX {
        return Err(MediaError::Size { width, height, min: EDGE_MIN, max: UPSCALED_IMAGE_EDGE_MAX });
    }
    codec::encode(&codec::scale(&rgb, width, height), format)
}

/// Makes a square JPEG of a picture, `edge` pixels wide: its middle, enlarged or made smaller. Nothing of what
/// the camera wrote beside the pixels comes along.
///
/// # Errors
/// [`MediaError::Input`] for what cannot be read.
pub fn portrait(file: &Bytes, edge: u32) -> Result<Vec<u8>, MediaError> {
    let rgb = codec::decode_within(file, 0, PORTRAIT_PIXELS_MAX)?;
    codec::encode(&codec::fit_cover(&rgb, edge, edge), ImageFormat::Jpeg)
}

/// Removes the background of a picture: a PNG of the same size in which everything that is connected
/// to the border and looks like it is transparent, with a soft edge; what stands apart stays as it is.
///
/// # Errors
/// [`MediaError::Input`] for what cannot be read.
pub fn cut_out(file: &Bytes) -> Result<Vec<u8>, MediaError> {
    let rgb = decode_image(file, 0)?;
    let opacity = softened(&background(&rgb), rgb.width as usize, rgb.height as usize);
    let pixels = rgb.data.chunks_exact(3).zip(&opacity);
    let rgba: Vec<u8> = pixels.flat_map(|(colour, alpha)| [colour[0], colour[1], colour[2], *alpha]).collect();
    let mut out = Vec::with_capacity(rgba.len() / 3);
    PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive)
        .write_image(&rgba, rgb.width, rgb.height, ExtendedColorType::Rgba8)
        .map_err(|error| MediaError::Encoder(error.to_string()))?;
    Ok(out)
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum()
}

fn colour(rgb: &Rgb, at: usize) -> [u8; 3] {
    [rgb.data[at * 3], rgb.data[at * 3 + 1], rgb.data[at * 3 + 2]]
}

/// The places of the border, each once.
fn border(width: usize, height: usize) -> Vec<usize> {
    let rows = [0, height - 1].into_iter().flat_map(|y| (0..width).map(move |x| y * width + x));
    let columns = [0, width - 1].into_iter().flat_map(|x| (0..height).map(move |y| y * width + x));
    let mut places: Vec<usize> = rows.chain(columns).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Colours that stand for the border: each further one is the pixel that lies farthest from those
/// before it.
fn border_colours(rgb: &Rgb, places: &[usize]) -> Vec<[u8; 3]> {
    let mut found: Vec<[u8; 3]> = places.first().map(|at| colour(rgb, *at)).into_iter().collect();
    while found.len() < BORDER_COLOURS {
        let apart = |at: &usize| found.iter().map(|known| distance(*known, colour(rgb, *at))).min().unwrap_or(0);
        match places.iter().map(|at| (apart(at), *at)).max() {
            Some((apart, at)) if apart > NEAR_BORDER => found.push(colour(rgb, at)),
            Some(_) | None => break,
        }
    }
    found
}

/// Which pixels are background: reached from the border over soft steps.
fn background(rgb: &Rgb) -> Vec<bool> {
    let (width, height) = (rgb.width as usize, rgb.height as usize);
    let places = border(width, height);
    let known = border_colours(rgb, &places);
    let from_border = |at: usize| known.iter().map(|one| distance(*one, colour(rgb, at))).min().unwrap_or(u32::MAX);
    let mut reached = vec![false; width * height];
    let mut waiting: VecDeque<usize> = places.into();
    waiting.iter().for_each(|at| reached[*at] = true);
    while let Some(at) = waiting.pop_front() {
        let (x, y) = (at % width, at / width);
        let beside = [
            (x > 0).then(|| at - 1),
            (x + 1 < width).then(|| at + 1),
            (y > 0).then(|| at - width),
            (y + 1 < height).then(|| at + width),
        ];
        for next in beside.into_iter().flatten() {
            if reached[next] {
                continue;
            }
            let (step, apart) = (distance(colour(rgb, at), colour(rgb, next)), from_border(next));
            if apart <= NEAR_BORDER || (step <= STEP_MAX && apart <= BORDER_MAX) {
                reached[next] = true;
                waiting.push_back(next);
            }
        }
    }
    reached
}

/// Opacity with edges of a pixel or two.
fn softened(background: &[bool], width: usize, height: usize) -> Vec<u8> {
    let solid = |x: usize, y: usize| u32::from(!background[y * width + x]);
    (0..width * height)
        .map(|at| {
            let (x, y) = (at % width, at / width);
            let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
            let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
            let own = solid(x, y);
            let around = solid(left, y) + solid(right, y) + solid(x, above) + solid(x, below);
            // Inside and outside stay what they are.
            match own * 4 + around {
                0 => 0,
                8 => 255,
                sum => (sum * 255 / 8) as u8,
            }
        })
        .collect()
}
