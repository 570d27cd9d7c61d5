//! Pixels from and to files, and their scaling.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageReader, Limits};
use tiny_skia::Pixmap;

use crate::error::MediaError;
use crate::limits::INPUT_IMAGE_PIXELS_MAX;

/// File formats of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    /// PNG, 8-bit RGB.
    Png,
    /// WebP, lossless.
    WebP,
    /// JPEG, quality 88.
    Jpeg,
}

impl ImageFormat {
    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// The usual ending of file names, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Jpeg => "jpg",
        }
    }
}

/// Plain pixels, three bytes each, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rgb {
    /// Width in pixels, at least 1.
    pub(crate) width: u32,
    /// Height in pixels, at least 1.
    pub(crate) height: u32,
    /// `width * height * 3` bytes.
    pub(crate) data: Vec<u8>,
}

impl Rgb {
    /// Takes the colours of an opaque canvas.
    pub(super) fn from_opaque(pixmap: Pixmap) -> Self {
        let (width, height) = (pixmap.width(), pixmap.height());
        // Moved to the front in place: a large picture is held once, not twice.
        let mut data = pixmap.take();
        let pixels = data.len() / 4;
        for i in 0..pixels {
            data.copy_within(i * 4..i * 4 + 3, i * 3);
        }
        data.truncate(pixels * 3);
        Self { width, height, data }
    }
}

/// Writes a picture into a file of the asked format.
pub(super) fn encode(rgb: &Rgb, format: ImageFormat) -> Result<Vec<u8>, MediaError> {
    let mut out = Vec::with_capacity(rgb.data.len() / 4);
    let (w, h, color) = (rgb.width, rgb.height, ExtendedColorType::Rgb8);
    let written = match format {
        ImageFormat::Png => PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive)
            .write_image(&rgb.data, w, h, color),
        ImageFormat::WebP => WebPEncoder::new_lossless(&mut out).write_image(&rgb.data, w, h, color),
        ImageFormat::Jpeg => JpegEncoder::new_with_quality(&mut out, 88).write_image(&rgb.data, w, h, color),
    };
    written.map_err(|error| MediaError::Encoder(error.to_string()))?;
    Ok(out)
}

/// Reads a PNG, JPEG or WebP file; transparency is laid on white, the camera's orientation applied.
pub(crate) fn decode_image(bytes: &[u8], index: usize) -> Result<Rgb, MediaError> {
    decode_within(bytes, index, INPUT_IMAGE_PIXELS_MAX)
}

/// The same of a picture that has at most so many pixels.
pub(crate) fn decode_within(bytes: &[u8], index: usize, pixels_max: u64) -> Result<Rgb, MediaError> {
    let fail = |reason: String| MediaError::Input { index, reason };
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| fail(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(pixels_max * 8);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| fail(error.to_string()))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > pixels_max {
        return Err(fail(format!("{width}x{height} pixels are more than {pixels_max}")));
    }
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| fail(error.to_string()))?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    let (width, height) = (image.width(), image.height());
    let data = if image.color().has_alpha() {
        let over_white = |c: u8, a: u8| ((u32::from(c) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255) as u8;
        image.into_rgba8().chunks_exact(4).flat_map(|p| [0, 1, 2].map(|i| over_white(p[i], p[3]))).collect()
    } else {
        image.into_rgb8().into_raw()
    };
    Ok(Rgb { width, height, data })
}

/// Scales to exactly the asked size, without keeping the ratio.
pub(crate) fn scale(rgb: &Rgb, width: u32, height: u32) -> Rgb {
    let whole = (0.0, 0.0, rgb.width as f32, rgb.height as f32);
    resample(rgb, whole, width, height)
}

/// Scales so that the target is filled and cuts off what is over, equally on both sides.
pub(crate) fn fit_cover(rgb: &Rgb, width: u32, height: u32) -> Rgb {
    resample(rgb, cover_part((rgb.width as f32, rgb.height as f32), (width, height)), width, height)
}

/// The middle part (left, top, width, height) of a source that has the ratio of the target.
pub(crate) fn cover_part(source: (f32, f32), target: (u32, u32)) -> (f32, f32, f32, f32) {
    let ratio = target.0 as f32 / target.1 as f32;
    let (w, h) = if source.0 / source.1 > ratio { (source.1 * ratio, source.1) } else { (source.0, source.0 / ratio) };
    ((source.0 - w) / 2.0, (source.1 - h) / 2.0, w, h)
}

/// Takes a part of a picture to a new size.
fn resample(rgb: &Rgb, part: (f32, f32, f32, f32), width: u32, height: u32) -> Rgb {
    let (width, height) = (width.max(1), height.max(1));
    let plane = Plane { data: &rgb.data, stride: rgb.width as usize * 3, width: rgb.width, height: rgb.height };
    Rgb { width, height, data: plane.resample::<3>(part, width, height) }
}

/// Samples in rows, some interleaved channels each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plane<'a> {
    /// All rows; the last may be shorter than the stride.
    pub(crate) data: &'a [u8],
    /// Bytes from one row to the next.
    pub(crate) stride: usize,
    /// Samples per row.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
}

impl Plane<'_> {
    /// Takes a part (left, top, width, height) to a new size: averages when it shrinks, interpolates
    /// when it grows.
    pub(crate) fn resample<const CHANNELS: usize>(
        &self,
        part: (f32, f32, f32, f32),
        width: u32,
        height: u32,
    ) -> Vec<u8> {
        let columns = taps(part.0, part.2, width, self.width);
        let rows = taps(part.1, part.3, height, self.height);
        let mut data = Vec::with_capacity(width as usize * height as usize * CHANNELS);
        let breadth = self.width as usize * CHANNELS;
        let mut line = vec![0f32; breadth];
        for row in &rows {
            line.fill(0.0);
            for (y, weight) in row {
                let start = y * self.stride;
                for (sum, value) in line.iter_mut().zip(&self.data[start..start + breadth]) {
                    *sum += weight * f32::from(*value);
                }
            }
            for column in &columns {
                let mut sum = [0.5f32; CHANNELS];
                for (x, weight) in column {
                    for (channel, total) in sum.iter_mut().enumerate() {
                        *total += weight * line[x * CHANNELS + channel];
                    }
                }
                data.extend(sum.map(|value| value as u8));
            }
        }
        data
    }
}

/// For each target place the source places that make it up, with weights that sum to 1.
fn taps(start: f32, length: f32, target: u32, source: u32) -> Vec<Vec<(usize, f32)>> {
    let step = length / target as f32;
    let reach = step.max(1.0);
    let last = i64::from(source) - 1;
    (0..target)
        .map(|i| {
            let center = start + (i as f32 + 0.5) * step - 0.5;
            let (from, to) = ((center - reach).ceil() as i64, (center + reach).floor() as i64);
            let mut found: Vec<(usize, f32)> = (from..=to)
                .map(|at| (at.clamp(0, last) as usize, 1.0 - (at as f32 - center).abs() / reach))
                .filter(|(_, weight)| *weight > 0.0)
                .collect();
            let sum: f32 = found.iter().map(|(_, weight)| weight).sum();
            if sum > 0.0 {
                found.iter_mut().for_each(|(_, weight)| *weight /= sum);
            } else {
                found = vec![((center.round() as i64).clamp(0, last) as usize, 1.0)];
            }
            found
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: u32, height: u32) -> Rgb {
        let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 7])).collect();
        Rgb { width, height, data }
    }

    #[test]
    fn scaling_to_the_same_size_changes_nothing() {
        let source = gradient(40, 30);
        assert_eq!(scale(&source, 40, 30), source);
        assert_eq!(fit_cover(&source, 40, 30), source);
    }

    #[test]
    fn scaling_keeps_flat_colours_and_brightness() {
        let flat = Rgb { width: 9, height: 5, data: vec![200; 9 * 5 * 3] };
        for (w, h) in [(1, 1), (3, 2), (50, 70)] {
            assert!(scale(&flat, w, h).data.iter().all(|v| *v == 200));
        }
        let small = scale(&gradient(200, 100), 20, 10);
        assert!(small.data[0] < 12 && small.data[19 * 3] > 185);
    }

    #[test]
    fn cutting_takes_the_middle() {
        let source = gradient(200, 50);
        let cut = fit_cover(&source, 50, 50);
        assert!((i16::from(cut.data[0]) - 75).abs() <= 1, "{}", cut.data[0]);
    }

    #[test]
    fn transparency_lies_on_white() {
        let mut png = Vec::new();
        PngEncoder::new(&mut png).write_image(&[10, 20, 30, 0], 1, 1, ExtendedColorType::Rgba8).unwrap();
        assert_eq!(decode_image(&png, 0).unwrap().data, vec![255, 255, 255]);
    }

    #[test]
    fn garbage_is_a_typed_error() {
        assert!(matches!(decode_image(b"no picture", 3), Err(MediaError::Input { index: 3, .. })));
    }
}
