//! Frames as planes of brightness and colour difference (I420, BT.601 studio range), and what can
//! be done to them cheaply.

use crate::picture::{Plane, Rgb, cover_part, fit_cover};

/// One frame; width and height are even, the colour planes are half as wide and high.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) y: Vec<u8>,
    pub(super) u: Vec<u8>,
    pub(super) v: Vec<u8>,
}

impl Frame {
    /// A frame of one brightness without colour.
    pub(super) fn grey(width: u32, height: u32, y: u8) -> Self {
        let size = width as usize * height as usize;
        Self { width, height, y: vec![y; size], u: vec![128; size / 4], v: vec![128; size / 4] }
    }

    /// A picture, cut to fill the frame.
    pub(super) fn cover(picture: &Rgb, width: u32, height: u32) -> Self {
        Self::from_rgb(&fit_cover(picture, width, height))
    }

    /// A picture of even edges.
    pub(super) fn from_rgb(rgb: &Rgb) -> Self {
        let mut frame = Self::grey(rgb.width & !1, rgb.height & !1, 16);
        let (width, half) = (frame.width as usize, frame.width as usize / 2);
        let stride = rgb.width as usize * 3;
        for row in 0..frame.height as usize / 2 {
            let upper = &rgb.data[row * 2 * stride..];
            let lower = &rgb.data[(row * 2 + 1) * stride..];
            for column in 0..half {
                let mut sum = [0i32; 3];
                for (line, source) in [upper, lower].into_iter().enumerate() {
                    for side in 0..2 {
                        let x = column * 2 + side;
                        let [r, g, b] = [0, 1, 2].map(|channel| i32::from(source[x * 3 + channel]));
                        let bright = (66 * r + 129 * g + 25 * b + 128) >> 8;
                        frame.y[(row * 2 + line) * width + x] = (bright + 16) as u8;
                        sum = [sum[0] + r, sum[1] + g, sum[2] + b];
                    }
                }
                let [r, g, b] = sum.map(|channel| channel / 4);
                frame.u[row * half + column] = (((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128) as u8;
                frame.v[row * half + column] = (((112 * r - 94 * g - 18 * b + 128) >> 8) + 128) as u8;
            }
        }
        frame
    }

    /// The frame as a picture.
    pub(super) fn to_rgb(&self) -> Rgb {
        let (width, half) = (self.width as usize, self.width as usize / 2);
        let mut data = Vec::with_capacity(self.y.len() * 3);
        for (i, y) in self.y.iter().enumerate() {
            let place = (i / width / 2) * half + (i % width) / 2;
            let c = 298 * (i32::from(*y) - 16);
            let (d, e) = (i32::from(self.u[place]) - 128, i32::from(self.v[place]) - 128);
            let rgb = [c + 409 * e, c - 100 * d - 208 * e, c + 516 * d];
            data.extend(rgb.map(|channel| ((channel + 128) >> 8).clamp(0, 255) as u8));
        }
        Rgb { width: self.width, height: self.height, data }
    }

    /// Planes of any size and stride, cut to fill a frame.
    pub(super) fn cover_planes(planes: [Plane<'_>; 3], width: u32, height: u32) -> Self {
        let [y, u, v] = planes;
        let part = cover_part((y.width as f32, y.height as f32), (width, height));
        let halved = (part.0 / 2.0, part.1 / 2.0, part.2 / 2.0, part.3 / 2.0);
        Self {
            width,
            height,
            y: y.resample::<1>(part, width, height),
            u: u.resample::<1>(halved, width / 2, height / 2),
            v: v.resample::<1>(halved, width / 2, height / 2),
        }
    }

    /// A view into this frame: the whole of it at zoom 1, its part around (`x`, `y`) above that.
    ///
    /// `x` and `y` run from -1 to 1; at their ends the view touches the frame's edge.
    pub(super) fn view(&self, width: u32, height: u32, zoom: f32, x: f32, y: f32) -> Self {
        let zoom = zoom.max(1.0);
        let scale = (self.width as f32 / width as f32).min(self.height as f32 / height as f32) / zoom;
        let left = (self.width as f32 - width as f32 * scale) * (x.clamp(-1.0, 1.0) + 1.0) / 2.0;
        let top = (self.height as f32 - height as f32 * scale) * (y.clamp(-1.0, 1.0) + 1.0) / 2.0;
        let plane = |data: &[u8], shift: u32| {
            let part = 1.0 / (1u32 << shift) as f32;
            sample(
                data,
                (self.width >> shift, self.height >> shift),
                (width >> shift, height >> shift),
                scale,
                (left * part, top * part),
            )
        };
        Self { width, height, y: plane(&self.y, 0), u: plane(&self.u, 1), v: plane(&self.v, 1) }
    }

    /// Mixes another frame of the same size in; 0 keeps this one, 1 takes the other.
    pub(super) fn blend(&mut self, other: &Self, share: f32) {
        let weight = (share.clamp(0.0, 1.0) * 256.0).round() as i32;
        for (mine, theirs) in [(&mut self.y, &other.y), (&mut self.u, &other.u), (&mut self.v, &other.v)] {
            for (a, b) in mine.iter_mut().zip(theirs) {
                *a = ((i32::from(*a) * (256 - weight) + i32::from(*b) * weight + 128) >> 8) as u8;
            }
        }
    }

    /// Pulls all colours towards one (given as colour differences) and scales the brightness.
    pub(super) fn tint(&mut self, u: u8, v: u8, share: f32, brightness: f32) {
        let pull = |plane: &mut [u8], to: u8| {
            let table: Vec<u8> =
                (0..=255u8).map(|c| (f32::from(c) + (f32::from(to) - f32::from(c)) * share).round() as u8).collect();
            plane.iter_mut().for_each(|c| *c = table[usize::from(*c)]);
        };
        pull(&mut self.u, u);
        pull(&mut self.v, v);
        let table: Vec<u8> =
            (0..=255u8).map(|c| (16.0 + (f32::from(c) - 16.0) * brightness).clamp(16.0, 235.0) as u8).collect();
        self.y.iter_mut().for_each(|c| *c = table[usize::from(*c)]);
    }

    /// Adds a soft disc of brightness.
    pub(super) fn glow(&mut self, center: (f32, f32), radius: f32, strength: f32) {
        let radius = radius.max(1.0);
        let range = |middle: f32, size: u32| {
            let first = (middle - radius).clamp(0.0, size as f32) as usize;
            first..((middle + radius).clamp(0.0, size as f32) as usize).max(first)
        };
        let width = self.width as usize;
        let columns = range(center.0, self.width);
        for y in range(center.1, self.height) {
            let dy = (y as f32 - center.1) / radius;
            for x in columns.clone() {
                let dx = (x as f32 - center.0) / radius;
                let near = 1.0 - (dx * dx + dy * dy);
                if near > 0.0 {
                    let pixel = &mut self.y[y * width + x];
                    *pixel = (f32::from(*pixel) + strength * near * near).clamp(16.0, 235.0) as u8;
                }
            }
        }
    }

    /// Draws a mouth where a face that fills the frame has it, as wide open as said: 0 to 1.
    pub(super) fn mouth(&mut self, open: f32) {
        let unit = self.width.min(self.height) as f32;
        let center = (self.width as f32 / 2.0, self.height as f32 * 0.66);
        let open = open.clamp(0.0, 1.0);
        // Lips, and what is dark between them.
        self.oval(center, (unit * 0.11, unit * (0.016 + 0.062 * open)), (96, 112, 172));
        self.oval(center, (unit * 0.09, unit * 0.05 * open), (28, 124, 136));
    }

    /// Fills an oval with one colour.
    fn oval(&mut self, center: (f32, f32), radii: (f32, f32), colour: (u8, u8, u8)) {
        let (rx, ry) = (radii.0.max(0.5), radii.1.max(0.5));
        let (width, half) = (self.width as usize, self.width as usize / 2);
        let range = |middle: f32, radius: f32, size: u32| {
            let first = (middle - radius).clamp(0.0, size as f32) as usize;
            first..((middle + radius).ceil().clamp(0.0, size as f32) as usize).max(first)
        };
        for y in range(center.1, ry, self.height) {
            for x in range(center.0, rx, self.width) {
                let (dx, dy) = ((x as f32 + 0.5 - center.0) / rx, (y as f32 + 0.5 - center.1) / ry);
                if dx * dx + dy * dy <= 1.0 {
                    self.y[y * width + x] = colour.0;
                    let place = (y / 2).min(self.height as usize / 2 - 1) * half + (x / 2).min(half - 1);
                    (self.u[place], self.v[place]) = (colour.1, colour.2);
                }
            }
        }
    }

    /// Places another frame with its upper left corner at an even place, inside a light border.
    pub(super) fn inset(&mut self, other: &Self, left: i32, top: i32, border: i32) {
        let edge = border & !1;
        let (w, h) = (other.width as i32, other.height as i32);
        self.fill((left & !1) - edge, (top & !1) - edge, w + 2 * edge, h + 2 * edge, 228);
        copy(&other.y, (w, h), &mut self.y, (self.width as i32, self.height as i32), (left & !1, top & !1));
        let halves =
            ((w / 2, h / 2), (self.width as i32 / 2, self.height as i32 / 2), ((left & !1) / 2, (top & !1) / 2));
        copy(&other.u, halves.0, &mut self.u, halves.1, halves.2);
        copy(&other.v, halves.0, &mut self.v, halves.1, halves.2);
    }

    /// Fills a rectangle of even corners with a grey.
    fn fill(&mut self, left: i32, top: i32, w: i32, h: i32, y: u8) {
        let whole = (self.width as i32, self.height as i32);
        let flat = |size: i32, value: u8| vec![value; size.max(0) as usize];
        copy(&flat(w * h, y), (w, h), &mut self.y, whole, (left, top));
        let half = (w / 2, h / 2);
        let half_whole = (whole.0 / 2, whole.1 / 2);
        copy(&flat(half.0 * half.1, 128), half, &mut self.u, half_whole, (left / 2, top / 2));
        copy(&flat(half.0 * half.1, 128), half, &mut self.v, half_whole, (left / 2, top / 2));
    }
}

/// Copies a rectangle of samples; what lies outside of the target is left out.
fn copy(from: &[u8], size: (i32, i32), to: &mut [u8], whole: (i32, i32), at: (i32, i32)) {
    let (first, last) = (at.0.max(0), (at.0 + size.0).min(whole.0));
    if first >= last {
        return;
    }
    for row in 0..size.1 {
        let target = at.1 + row;
        if (0..whole.1).contains(&target) {
            let source = (row * size.0 + first - at.0) as usize;
            let start = (target * whole.0 + first) as usize;
            let length = (last - first) as usize;
            to[start..start + length].copy_from_slice(&from[source..source + length]);
        }
    }
}

/// Bilinear sampling of one plane: target pixel (i, j) shows the source around `start + (i, j) * step`.
fn sample(data: &[u8], size: (u32, u32), target: (u32, u32), step: f32, start: (f32, f32)) -> Vec<u8> {
    // Place of the left neighbour and weight of the right one, in 256ths.
    let places = |count: u32, from: f32, limit: u32| -> Vec<(usize, usize, u32)> {
        let last = limit as f32 - 1.0;
        (0..count)
            .map(|i| {
                let at = (from + (i as f32 + 0.5) * step - 0.5).clamp(0.0, last);
                let low = at.floor();
                (low as usize, (low as usize + 1).min(limit as usize - 1), ((at - low) * 256.0) as u32)
            })
            .collect()
    };
    let columns = places(target.0, start.0, size.0);
    let width = size.0 as usize;
    let mut out = Vec::with_capacity(target.0 as usize * target.1 as usize);
    let mut line = vec![0u32; width];
    for (upper, lower, weight) in places(target.1, start.1, size.1) {
        let (a, b) = (&data[upper * width..(upper + 1) * width], &data[lower * width..(lower + 1) * width]);
        for ((mixed, a), b) in line.iter_mut().zip(a).zip(b) {
            *mixed = u32::from(*a) * (256 - weight) + u32::from(*b) * weight;
        }
        out.extend(columns.iter().map(|(left, right, weight)| {
            ((line[*left] * (256 - weight) + line[*right] * weight + (1 << 15)) >> 16) as u8
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: u32, height: u32) -> Rgb {
        let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| [(x * 2) as u8, (y * 3) as u8, 90])).collect();
        Rgb { width, height, data }
    }

    fn distance(a: &Rgb, b: &Rgb) -> f64 {
        let sum: u64 = a.data.iter().zip(&b.data).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / a.data.len() as f64
    }

    #[test]
    fn colours_survive_the_way_to_planes_and_back() {
        let picture = gradient(64, 48);
        assert!(distance(&picture, &Frame::from_rgb(&picture).to_rgb()) < 3.0);
    }

    #[test]
    fn the_whole_view_is_the_frame_itself() {
        let frame = Frame::from_rgb(&gradient(64, 48));
        assert_eq!(frame.view(64, 48, 1.0, 0.0, 0.0), frame);
        assert_eq!(frame.view(64, 48, 1.0, 1.0, -1.0), frame);
    }

    #[test]
    fn an_inset_beyond_the_edge_is_cut() {
        let mut frame = Frame::grey(16, 16, 50);
        let patch = Frame::grey(8, 8, 200);
        for place in [(-4, -4), (12, 12), (-40, 3), (3, 99)] {
            frame.inset(&patch, place.0, place.1, 2);
        }
        assert_eq!((frame.y[0], frame.y[255], frame.y[8 * 16 + 8]), (200, 200, 50));
    }
}
