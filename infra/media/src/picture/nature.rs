//! Scenes of nature: mountains, sea, dunes, northern lights, forest.

use tiny_skia::Color;

use super::canvas::{Canvas, Fill, Outline};
use super::palette::{Palette, mix, with_alpha};
use crate::seed::Rng;

/// Sky with its stops, sun or moon and a few clouds; answers where the light stands.
fn sky(c: &mut Canvas, p: &Palette, rng: &mut Rng, horizon: f32) -> (f32, f32) {
    let end = (horizon / c.h).clamp(0.1, 1.0);
    if p.night {
        c.backdrop(&[(0.0, p.ramp(0.02)), (end * 0.55, p.ramp(0.18)), (end, p.ramp(0.48)), (1.0, p.ramp(0.5))], 0.0);
        stars(c, rng, horizon * 0.85, 1.0);
    } else {
        c.backdrop(&[(0.0, p.ramp(0.5)), (end * 0.5, p.ramp(0.72)), (end, p.ramp(0.95)), (1.0, p.ramp(0.97))], 0.0);
    }
    let light = (c.w * rng.range(0.2, 0.8), horizon * rng.range(0.38, 0.72));
    let radius = c.unit * rng.range(0.055, 0.105);
    let shine = p.shine();
    c.light(light, radius * 8.0, 1.25, shine, if p.night { 0.20 } else { 0.42 });
    c.light(light, radius * 3.0, 1.0, shine, if p.night { 0.28 } else { 0.5 });
    c.disc(light, radius, Fill::Vertical(shine, mix(shine, p.ramp(0.8), 0.35), light.1 - radius, light.1 + radius));
    for _ in 0..rng.between(2, 5) {
        cloud(c, p, rng, horizon);
    }
    light
}

/// Small stars above `depth`.
pub(super) fn stars(c: &mut Canvas, rng: &mut Rng, depth: f32, density: f32) {
    let count = (90.0 * density * c.w.max(c.h) / c.unit) as usize;
    for _ in 0..count {
        let at = (rng.range(0.0, c.w), depth * rng.unit().powf(1.3));
        let size = c.unit * 0.0007 * (1.0 + 2.2 * rng.unit().powi(4));
        let alpha = rng.range(0.3, 0.95) * (1.0 - 0.7 * at.1 / depth.max(1.0));
        c.disc(at, size.max(0.45), Fill::Flat(with_alpha(Color::WHITE, alpha)));
    }
}

/// A bank of long thin cloud, several glows in a row.
fn cloud(c: &mut Canvas, p: &Palette, rng: &mut Rng, horizon: f32) {
    let (x, y) = (rng.range(-0.1, 1.1) * c.w, horizon * rng.range(0.12, 0.78));
    let tone = if p.night { p.ramp(0.42) } else { p.ramp(0.985) };
    let size = c.unit * rng.range(0.014, 0.034);
    for _ in 0..rng.between(4, 8) {
        let at = (x + rng.range(-0.22, 0.22) * c.unit, y + rng.range(-0.9, 0.9) * size);
        let alpha = if p.night { 0.22 } else { 0.34 };
        c.glow(at, size * rng.range(0.8, 1.7), rng.range(4.5, 9.0), tone, alpha);
    }
}

/// The points of an outline over the whole width.
fn edge(c: &Canvas, outline: &Outline, level: f32, height: f32, sharp: bool) -> Vec<(f32, f32)> {
    let steps = ((c.w / 3.0) as usize).clamp(32, 700);
    (0..=steps)
        .map(|i| {
            let x = i as f32 / steps as f32;
            let mut value = outline.at(x * c.w / c.unit);
            if sharp {
                // Folding the noise makes ridges out of hills.
                value = 1.0 - 2.0 * value.abs();
            }
            (x * (c.w + 4.0) - 2.0, level - value * height)
        })
        .collect()
}

/// Ridge behind ridge in the haze, sometimes over a lake, with firs in front.
pub(super) fn mountains(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    let lake = rng.chance(0.45);
    let horizon = c.h * rng.range(0.56, 0.66);
    let light = sky(c, p, rng, horizon);
    let layers = rng.between(4, 6);
    let bottom = if lake { horizon + c.h * 0.10 } else { c.h };
    for i in 0..layers {
        let near = i as f32 / (layers - 1) as f32;
        let outline = Outline::new(rng, 1.6 + 1.6 * near, 6, 0.5);
        let level = horizon + (bottom - horizon) * near * 0.72 - c.unit * 0.05 * (1.0 - near);
        let height = c.unit * (0.26 - 0.15 * near);
        let tone = if p.night { 0.40 - 0.34 * near } else { 0.76 - 0.62 * near };
        let haze = if p.night { p.ramp(tone + 0.12) } else { p.ramp((tone + 0.17).min(0.97)) };
        let points = edge(c, &outline, level, height, near < 0.75);
        c.ground(&points, Fill::Vertical(p.ramp(tone), haze, level - height, level + height * 1.2));
    }
    if lake {
        water(c, p, rng, bottom, light.0);
    }
    let shore = if lake { c.h * 0.95 } else { c.h * 0.93 };
    let front = p.ramp(if p.night { 0.0 } else { 0.06 });
    let outline = Outline::new(rng, 1.2, 3, 0.5);
    let ground = edge(c, &outline, shore, c.unit * 0.035, false);
    c.ground(&ground, Fill::Flat(front));
    let count = (rng.between(10, 22) as f32 * c.w / c.unit) as usize;
    for _ in 0..count {
        let spot = ground[rng.below(ground.len())];
        let size = c.unit * rng.range(0.05, 0.15) * (0.35 + ((spot.0 / c.w) - 0.5).abs() * 1.5);
        fir(c, (spot.0, spot.1 + size * 0.08), size, front);
    }
}

/// One fir of three tiers.
fn fir(c: &mut Canvas, foot: (f32, f32), height: f32, color: Color) {
    let (x, y) = foot;
    c.rect(x - height * 0.02, y - height * 0.1, height * 0.04, height * 0.14, Fill::Flat(color));
    for tier in 0..4 {
        let low = y - height * (0.06 + 0.2 * tier as f32);
        let half = height * (0.21 - 0.042 * tier as f32);
        c.polygon(&[(x - half, low), (x, low - height * 0.36), (x + half, low)], Fill::Flat(color));
    }
}

/// Water from `level` down, with the light's path on it.
fn water(c: &mut Canvas, p: &Palette, rng: &mut Rng, level: f32, light_x: f32) {
    let (top, deep) = if p.night { (p.ramp(0.4), p.ramp(0.06)) } else { (p.ramp(0.86), p.ramp(0.30)) };
    c.rect(0.0, level, c.w, c.h - level + 1.0, Fill::Vertical(top, deep, level, c.h));
    let depth = (c.h - level).max(1.0);
    c.light((light_x, level), depth * 0.9, 0.55 * c.unit / depth, p.shine(), 0.34);
    for _ in 0..150 {
        let t = rng.unit().powf(1.5);
        let y = level + depth * (0.01 + 0.97 * t);
        let on_path = rng.chance(0.55);
        let spread = c.unit * (0.03 + 0.16 * t);
        let x = if on_path { light_x + rng.range(-1.0, 1.0) * spread } else { rng.range(0.0, c.w) };
        let half = c.unit * rng.range(0.008, 0.05) * (0.4 + t);
        let thick = (c.unit * 0.0022 * (0.5 + 1.4 * t)).max(0.7);
        let (color, alpha) =
            if on_path { (p.shine(), rng.range(0.35, 0.8)) } else { (p.ramp(0.95), rng.range(0.05, 0.2)) };
        c.curve(&[(x - half, y), (x + half, y)], thick, with_alpha(color, alpha));
    }
}

/// Open sea with islands, a boat and birds.
pub(super) fn sea(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    let horizon = c.h * rng.range(0.52, 0.66);
    let light = sky(c, p, rng, horizon);
    for i in 0..rng.between(1, 3) {
        let x = rng.range(0.0, 1.0) * c.w;
        let (half, height) = (c.unit * rng.range(0.12, 0.4), c.unit * rng.range(0.02, 0.09));
        let outline = Outline::new(rng, 5.0, 4, 0.5);
        let mut island = vec![(x - half, horizon + 1.0)];
        for step in 0..=40 {
            let t = step as f32 / 40.0;
            let dome = (t * std::f32::consts::PI).sin().powf(0.7);
            island.push((x - half + 2.0 * half * t, horizon - height * dome * (0.75 + 0.35 * outline.at(t))));
        }
        island.push((x + half, horizon + 1.0));
        let tone = if p.night { 0.22 } else { 0.62 - 0.1 * i as f32 };
        c.polygon(&island, Fill::Vertical(p.ramp(tone), p.ramp(tone + 0.14), horizon - height, horizon));
    }
    water(c, p, rng, horizon, light.0);
    boat(c, p, rng, horizon, light);
    if !p.night {
        for _ in 0..rng.between(3, 7) {
            let (x, y) = (rng.range(0.1, 0.9) * c.w, horizon * rng.range(0.2, 0.6));
            let span = c.unit * rng.range(0.010, 0.022);
            let color = with_alpha(p.ramp(0.2), 0.75);
            c.curve(&[(x - span, y - span * 0.25), (x - span * 0.4, y - span * 0.45), (x, y)], span * 0.13, color);
            c.curve(&[(x, y), (x + span * 0.4, y - span * 0.45), (x + span, y - span * 0.25)], span * 0.13, color);
        }
    }
}

/// A small sailing boat beside the path of light.
fn boat(c: &mut Canvas, p: &Palette, rng: &mut Rng, horizon: f32, light: (f32, f32)) {
    let aside = if light.0 > c.w / 2.0 { -1.0 } else { 1.0 };
    let x = (light.0 + aside * rng.range(0.18, 0.34) * c.w).clamp(c.w * 0.12, c.w * 0.88);
    let y = horizon + (c.h - horizon) * rng.range(0.16, 0.36);
    let s = c.unit * rng.range(0.075, 0.12);
    let (hull, sail) = (p.ramp(0.08), if p.night { p.ramp(0.8) } else { p.paper() });
    c.glow((x, y + s * 0.22), s * 0.30, 3.2, p.ramp(0.05), 0.4);
    c.polygon(
        &[(x - s * 0.55, y), (x + s * 0.6, y), (x + s * 0.42, y + s * 0.17), (x - s * 0.4, y + s * 0.17)],
        Fill::Flat(hull),
    );
    c.polygon(
        &[(x + s * 0.02, y - s * 1.15), (x + s * 0.02, y - s * 0.06), (x + s * 0.56, y - s * 0.06)],
        Fill::Linear(sail, mix(sail, p.ramp(0.5), 0.4), (x, y - s), (x + s * 0.6, y)),
    );
    c.polygon(
        &[(x - s * 0.04, y - s * 0.98), (x - s * 0.04, y - s * 0.06), (x - s * 0.44, y - s * 0.06)],
        Fill::Flat(mix(sail, p.accent(0, 0.72), 0.75)),
    );
}

/// Dune behind dune, each lit along its crest.
pub(super) fn dunes(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    let horizon = c.h * rng.range(0.42, 0.54);
    sky(c, p, rng, horizon);
    let layers = rng.between(5, 7);
    for i in 0..layers {
        let near = i as f32 / (layers - 1) as f32;
        let outline = Outline::new(rng, 1.0 + 0.5 * near, 2, 0.35);
        let level = horizon + (c.h * 0.92 - horizon) * near.powf(1.15);
        let height = c.unit * (0.05 + 0.10 * near);
        let points = edge(c, &outline, level, height, false);
        let (lit, shaded) = if p.night {
            (p.ramp(0.42 - 0.22 * near), p.ramp(0.22 - 0.18 * near))
        } else {
            (p.ramp(0.90 - 0.30 * near), p.ramp(0.62 - 0.40 * near))
        };
        c.ground(&points, Fill::Vertical(lit, shaded, level - height, level + height * 2.6));
        c.curve(&points, c.unit * 0.0018, with_alpha(lit, 0.55));
    }
}

/// Curtains of northern light over a dark wood.
pub(super) fn aurora(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    c.backdrop(&[(0.0, p.ramp(0.0)), (0.6, p.ramp(0.13)), (1.0, p.ramp(0.34))], 0.0);
    stars(c, rng, c.h * 0.8, 1.6);
    for band in 0..rng.between(2, 3) {
        let path = Outline::new(rng, 1.3, 3, 0.5);
        let rays = Outline::new(rng, 26.0, 3, 0.6);
        let base = c.h * rng.range(0.42, 0.66);
        let (low, high) = (p.accent(band, 0.86), p.accent(band + 2, 0.62));
        // Whole pixels, so that neighbouring strips neither overlap nor leave gaps.
        let breadth = (c.w / 360.0).ceil().max(1.0);
        let strips = (c.w / breadth).ceil() as usize;
        for i in 0..strips {
            let left = i as f32 * breadth;
            let x = left / c.unit;
            let foot = base + path.at(x) * c.unit * 0.18;
            let ray = (0.62 + 0.6 * rays.at(x)).clamp(0.08, 1.2);
            let top = foot - c.h * 0.42 * ray;
            let alpha = (0.46 * ray).clamp(0.03, 0.6);
            let middle = with_alpha(mix(low, high, 0.45), alpha * 0.62);
            let stops = [
                (top, with_alpha(high, 0.0)),
                (foot - (foot - top) * 0.32, middle),
                (foot, with_alpha(low, alpha)),
                (foot + c.unit * 0.05, with_alpha(low, 0.0)),
            ];
            c.beam(left, breadth, &stops);
        }
    }
    for (level, tone, size) in [(0.83, 0.12, 0.10), (0.93, 0.0, 0.17)] {
        let outline = Outline::new(rng, 1.4, 3, 0.5);
        let ground = edge(c, &outline, c.h * level, c.unit * 0.04, false);
        c.ground(&ground, Fill::Flat(p.ramp(tone)));
        let count = (34.0 * c.w / c.unit) as usize;
        for _ in 0..count {
            let spot = ground[rng.below(ground.len())];
            let height = c.unit * size * rng.range(0.45, 1.15);
            fir(c, (spot.0, spot.1 + height * 0.1), height, p.ramp(tone));
        }
    }
}

/// Trunks in the mist with beams of light.
pub(super) fn forest(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    let bright = if p.night { 0.62 } else { 0.98 };
    c.backdrop(&[(0.0, p.ramp(bright - 0.16)), (0.6, p.ramp(bright)), (1.0, p.ramp(bright - 0.28))], 0.0);
    let light = (c.w * rng.range(0.25, 0.75), c.h * rng.range(0.12, 0.32));
    c.light(light, c.unit * 0.75, 1.0, p.shine(), 0.6);
    let layers = 5;
    for i in 0..layers {
        let near = i as f32 / (layers - 1) as f32;
        let tone = bright - 0.14 - (bright - 0.2) * near;
        let color = p.ramp(tone);
        let count = ((15.0 - 9.0 * near) * c.w / c.unit) as usize;
        let foot = c.h * (0.66 + 0.22 * near);
        let count = count.max(3);
        for place in 0..count {
            // One in each share of the breadth: no clump of trunks hides the rest.
            let x = (place as f32 + rng.range(0.1, 0.9)) / count as f32 * c.w;
            trunk(c, rng, x, near, foot, color);
        }
        let outline = Outline::new(rng, 1.6, 4, 0.5);
        let ground = edge(c, &outline, foot, c.unit * 0.03, false);
        c.ground(&ground, Fill::Vertical(color, p.ramp(tone - 0.10), foot, foot + c.h * 0.2));
        if i < layers - 1 {
            for _ in 0..4 {
                let at = (rng.range(0.0, c.w), foot + rng.range(-0.05, 0.03) * c.h);
                c.glow(at, c.unit * rng.range(0.06, 0.13), 4.0, p.ramp(bright), 0.34);
            }
        }
        if i == 2 {
            for _ in 0..4 {
                let spread = c.unit * rng.range(0.05, 0.11);
                let far = (light.0 + rng.range(-0.9, 0.9) * c.unit, c.h * 0.95);
                c.polygon(
                    &[
                        (light.0 - spread * 0.2, 0.0),
                        (light.0 + spread * 0.2, 0.0),
                        (far.0 + spread, far.1),
                        (far.0 - spread, far.1),
                    ],
                    Fill::Vertical(with_alpha(p.shine(), 0.34), with_alpha(p.shine(), 0.0), 0.0, c.h * 0.85),
                );
            }
        }
    }
}

/// One bare trunk with branches and, far away, a crown.
fn trunk(c: &mut Canvas, rng: &mut Rng, x: f32, near: f32, foot: f32, color: Color) {
    let breadth = c.unit * (0.008 + 0.034 * near * near) * rng.range(0.7, 1.3);
    let lean = rng.range(-0.02, 0.02) * c.unit;
    let low = foot + c.unit * 0.05;
    c.polygon(
        &[(x - breadth, low), (x + lean - breadth * 0.45, -2.0), (x + lean + breadth * 0.45, -2.0), (x + breadth, low)],
        Fill::Flat(color),
    );
    for _ in 0..rng.between(4, 8) {
        let t = rng.range(0.08, 0.62);
        let (bx, by) = (x + lean * (1.0 - t), foot * t);
        let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
        let reach = c.unit * rng.range(0.04, 0.12) * (0.5 + near);
        let points = [
            (bx, by),
            (bx + side * reach * 0.5, by - reach * 0.22),
            (bx + side * reach, by - reach * rng.range(0.1, 0.6)),
        ];
        c.curve(&points, breadth * 0.32, color);
    }
}
