//! Scenes of made and imagined things: city, flowers, planets, people.

use tiny_skia::{Color, PathBuilder, Transform};

use super::canvas::{Canvas, Fill, leaf, smooth};
use super::nature::stars;
use super::palette::{Palette, mix, oklch, with_alpha};
use crate::seed::Rng;

/// A skyline at dusk, with lights in the windows.
pub(super) fn city(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    c.backdrop(&[(0.0, p.ramp(0.04)), (0.45, p.ramp(0.34)), (0.78, p.ramp(0.74)), (1.0, p.ramp(0.86))], 0.0);
    stars(c, rng, c.h * 0.5, 0.6);
    let moon = (c.w * rng.range(0.2, 0.8), c.h * rng.range(0.16, 0.32));
    let radius = c.unit * rng.range(0.06, 0.11);
    c.light(moon, radius * 5.0, 1.0, p.shine(), 0.35);
    c.disc(moon, radius, Fill::Flat(p.shine()));
    let layers = 3;
    for i in 0..layers {
        let near = i as f32 / (layers - 1) as f32;
        let tone = 0.50 - 0.44 * near;
        let mut x = -c.unit * rng.range(0.0, 0.08);
        while x < c.w {
            let breadth = c.unit * rng.range(0.05, 0.105) * (0.8 + 0.55 * near);
            let middle = 1.0 - ((x + breadth / 2.0) / c.w - 0.5).abs() * 1.1;
            let height = c.h * rng.range(0.16, 0.50) * (1.0 - 0.36 * near) * middle.max(0.25);
            building(c, p, rng, (x, c.h - height, breadth, height), tone, near);
            x += breadth * rng.range(0.92, 1.12);
        }
        c.glow((c.w / 2.0, c.h), c.unit * 0.16, 0.9 * c.w / (c.unit * 0.16), p.ramp(0.8), 0.20 * (1.0 - near));
    }
}

/// One house with a roof of some kind and rows of windows.
fn building(c: &mut Canvas, p: &Palette, rng: &mut Rng, at: (f32, f32, f32, f32), tone: f32, near: f32) {
    let (x, y, w, h) = at;
    let wall = p.ramp(tone);
    c.rect(x, y, w, h + 2.0, Fill::Vertical(wall, p.ramp(tone + 0.10), y, y + h));
    match rng.below(5) {
        0 => c.polygon(&[(x, y + 1.0), (x + w, y - w * 0.4), (x + w, y + 1.0)], Fill::Flat(wall)),
        1 => c.rect(x + w * 0.22, y - w * 0.22, w * 0.56, w * 0.24, Fill::Flat(wall)),
        2 => c.rect(x + w * 0.47, y - w * 0.7, w * 0.06, w * 0.72, Fill::Flat(wall)),
        3 => c.disc((x + w / 2.0, y), w * 0.34, Fill::Flat(wall)),
        _ => {}
    }
    if near < 0.2 {
        return;
    }
    let step = c.unit * (0.013 + 0.011 * near);
    let (columns, rows) = ((w / step) as usize, (h / (step * 1.35)) as usize);
    let lamp = oklch(0.88, 0.11, 78.0);
    let margin = (w - (columns.saturating_sub(1)) as f32 * step) / 2.0;
    for column in 0..columns.saturating_sub(1) {
        for row in 0..rows.saturating_sub(1) {
            let (wx, wy) = (x + margin + column as f32 * step, y + step * (0.9 + 1.35 * row as f32));
            if rng.chance(0.34) {
                let color = mix(lamp, p.accent(0, 0.84), rng.unit() * 0.45);
                c.rect(
                    wx + step * 0.25,
                    wy,
                    step * 0.5,
                    step * 0.7,
                    Fill::Flat(with_alpha(color, rng.range(0.5, 0.95))),
                );
            } else {
                c.rect(wx + step * 0.25, wy, step * 0.5, step * 0.7, Fill::Flat(with_alpha(p.ramp(tone + 0.12), 0.5)));
            }
        }
    }
}

/// Stems, leaves and blossoms on paper, before calm arches.
pub(super) fn flowers(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    let paper = p.paper();
    c.backdrop(&[(0.0, paper), (1.0, mix(paper, p.ramp(0.8), 0.35))], 12.0);
    let sun = (c.w * rng.range(0.3, 0.7), c.h * rng.range(0.34, 0.46));
    let radius = c.unit * rng.range(0.27, 0.35);
    c.disc(
        sun,
        radius,
        Fill::Vertical(p.ramp(0.82), mix(p.ramp(0.72), p.accent(0, 0.8), 0.35), sun.1 - radius, sun.1 + radius),
    );
    let hill = c.h * rng.range(0.80, 0.88);
    let bow = [(-0.05, 0.03), (0.3, -0.03), (0.7, 0.02), (1.05, -0.02)].map(|(x, y)| (x * c.w, hill + y * c.unit));
    let stems = ((rng.between(8, 11)) as f32 * (c.w / c.unit).sqrt()) as usize;
    for i in 0..stems {
        let t = (i as f32 + 0.5) / stems as f32;
        let foot = (c.w * (0.08 + 0.84 * t) + rng.range(-0.02, 0.02) * c.w, hill + c.unit * 0.07);
        let middle = 1.0 - (t - 0.5).abs();
        let height = c.h * rng.range(0.24, 0.44) * (0.55 + 0.75 * middle);
        stem(c, p, rng, foot, height);
    }
    let mut points = vec![(-2.0, c.h + 2.0), (-2.0, bow[0].1)];
    points.extend((0..=60).map(|i| {
        let t = i as f32 / 60.0;
        (t * c.w, hill + (t * 6.0 + 1.0).sin() * c.unit * 0.022)
    }));
    points.push((c.w + 2.0, c.h + 2.0));
    c.polygon(&points, Fill::Vertical(p.ramp(0.40), p.ramp(0.24), hill, c.h));
    for _ in 0..rng.between(10, 16) {
        let at = (rng.range(0.0, c.w), hill + c.unit * rng.range(-0.01, 0.06));
        for blade in 0..5 {
            let angle = -std::f32::consts::FRAC_PI_2 + (blade as f32 - 2.0) * 0.32 + rng.range(-0.1, 0.1);
            if let Some(path) = leaf(at, angle, c.unit * rng.range(0.05, 0.10), c.unit * 0.012) {
                c.path(&path, Fill::Flat(p.ramp(rng.range(0.24, 0.46))));
            }
        }
    }
}

/// One stem with leaves and a blossom.
fn stem(c: &mut Canvas, p: &Palette, rng: &mut Rng, foot: (f32, f32), height: f32) {
    let sway = rng.range(-0.24, 0.24) * height;
    let tip = (foot.0 + sway, foot.1 - height);
    let bend = (foot.0 + sway * 0.25, foot.1 - height * 0.55);
    let green = p.ramp(rng.range(0.28, 0.48));
    if let Some(path) = smooth(&[foot, bend, tip]) {
        c.stroke(&path, c.unit * 0.0058, green);
    }
    for i in 0..rng.between(3, 6) {
        let t = 0.2 + 0.13 * i as f32;
        let base = if t < 0.55 {
            (foot.0 + (bend.0 - foot.0) * t / 0.55, foot.1 - height * t)
        } else {
            (bend.0 + (tip.0 - bend.0) * (t - 0.55) / 0.45, foot.1 - height * t)
        };
        let side = if i % 2 == 0 { 1.0 } else { -1.0 };
        let angle = -std::f32::consts::FRAC_PI_2 + side * rng.range(0.6, 1.1);
        if let Some(path) = leaf(base, angle, height * rng.range(0.16, 0.26), height * 0.055) {
            c.path(&path, Fill::Flat(mix(green, p.ramp(0.6), rng.unit() * 0.5)));
        }
    }
    let (size, tone) = (c.unit * rng.range(0.042, 0.075), p.accent(rng.below(3), rng.range(0.64, 0.80)));
    let petals = rng.between(6, 11);
    let turn = rng.range(0.0, 1.0);
    for ring in 0..2 {
        let reach = size * (1.0 - 0.34 * ring as f32);
        for i in 0..petals {
            let angle = std::f32::consts::TAU * (i as f32 + turn + 0.5 * ring as f32) / petals as f32;
            if let Some(path) = leaf(tip, angle, reach, reach * 0.42) {
                c.path(&path, Fill::Flat(with_alpha(mix(tone, p.paper(), 0.30 * ring as f32), 0.92)));
            }
        }
    }
    c.disc(tip, size * 0.26, Fill::Flat(p.accent(2, 0.86)));
    c.disc(tip, size * 0.15, Fill::Flat(p.ramp(0.3)));
}

/// Planets with rings among clouds of stars.
pub(super) fn planets(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    c.backdrop(&[(0.0, p.ramp(0.0)), (0.5, p.ramp(0.10)), (1.0, p.ramp(0.2))], rng.range(-40.0, 40.0));
    for i in 0..9 {
        let at = (rng.range(-0.1, 1.1) * c.w, rng.range(-0.1, 1.1) * c.h);
        let tone = if i % 3 == 0 { p.accent(i, 0.55) } else { p.ramp(rng.range(0.3, 0.55)) };
        c.light(at, c.unit * rng.range(0.3, 0.6), 1.3, tone, 0.30);
    }
    stars(c, rng, c.h, 3.0);
    for _ in 0..7 {
        let at = (rng.range(0.0, c.w), rng.range(0.0, c.h));
        let size = c.unit * rng.range(0.008, 0.018);
        c.light(at, size * 2.6, 1.0, Color::WHITE, 0.5);
        for (dx, dy) in [(size * 2.0, 0.0), (0.0, size * 2.0)] {
            c.curve(
                &[(at.0 - dx, at.1 - dy), (at.0 + dx, at.1 + dy)],
                (size * 0.09).max(0.6),
                with_alpha(Color::WHITE, 0.7),
            );
        }
    }
    let sun = (-0.6f32, -0.7f32);
    let big = (c.w * rng.range(0.32, 0.68), c.h * rng.range(0.42, 0.60));
    let radius = c.unit * rng.range(0.2, 0.28);
    let tilt = rng.range(-32.0, -12.0);
    ring_half(c, p, big, radius, tilt, true);
    planet(c, p, rng, big, radius, sun, true);
    ring_half(c, p, big, radius, tilt, false);
    for i in 0..rng.between(2, 3) {
        let angle = rng.range(0.0, std::f32::consts::TAU);
        let far = radius * rng.range(1.75, 2.5);
        let at = (big.0 + angle.cos() * far, big.1 + angle.sin() * far * 0.8);
        let moon = radius * rng.range(0.12, 0.3);
        let tinted = p.turned(rng.range(-70.0, 90.0));
        planet(c, &tinted, rng, at, moon, sun, i == 0);
    }
}

/// A ball with bands, lit from one side.
fn planet(c: &mut Canvas, p: &Palette, rng: &mut Rng, at: (f32, f32), radius: f32, sun: (f32, f32), bands: bool) {
    let (x, y) = at;
    c.light(at, radius * 1.75, 1.0, p.ramp(0.7), 0.35);
    let lit = (x + sun.0 * radius, y + sun.1 * radius);
    let dark = (x - sun.0 * radius, y - sun.1 * radius);
    c.disc(at, radius, Fill::Linear(p.ramp(0.92), p.ramp(0.46), lit, dark));
    if bands {
        for _ in 0..rng.between(4, 7) {
            let t = rng.range(-0.85, 0.85);
            let half = (1.0 - t * t).sqrt() * radius * 0.995;
            let thick = radius * rng.range(0.03, 0.11);
            let by = y + t * radius;
            let low = ((t * radius + thick) / radius).clamp(-1.0, 1.0);
            let half_low = (1.0 - low * low).sqrt() * radius * 0.995;
            let tone = mix(p.ramp(rng.range(0.45, 0.85)), p.accent(1, 0.7), 0.35);
            c.polygon(
                &[(x - half, by), (x + half, by), (x + half_low, by + thick), (x - half_low, by + thick)],
                Fill::Flat(with_alpha(tone, 0.55)),
            );
        }
    }
    // Shade in one disc that grows darker towards the side away from the sun.
    let night = p.ramp(0.0);
    let from = (x + sun.0 * radius * 0.1, y + sun.1 * radius * 0.1);
    c.disc(at, radius * 1.004, Fill::Linear(with_alpha(night, 0.0), with_alpha(night, 0.90), from, dark));
    c.light((x + sun.0 * radius * 0.45, y + sun.1 * radius * 0.45), radius * 0.6, 1.0, Color::WHITE, 0.25);
}

/// The half of a planet's ring that lies behind it, or the one before it.
fn ring_half(c: &mut Canvas, p: &Palette, at: (f32, f32), radius: f32, tilt: f32, behind: bool) {
    let turn = Transform::from_rotate_at(tilt, at.0, at.1);
    for (i, reach) in [1.45f32, 1.58, 1.66, 1.78, 1.92].iter().enumerate() {
        let (a, b) = (radius * reach, radius * reach * 0.26);
        let mut builder = PathBuilder::new();
        for step in 0..=48 {
            let angle = std::f32::consts::PI * (step as f32 / 48.0) + if behind { std::f32::consts::PI } else { 0.0 };
            let (x, y) = (at.0 + a * angle.cos(), at.1 + b * angle.sin());
            if step == 0 {
                builder.move_to(x, y);
            } else {
                builder.line_to(x, y);
            }
        }
        let tone = mix(p.ramp(0.85), p.accent(0, 0.8), 0.2 * i as f32);
        if let Some(path) = builder.finish().and_then(|path| path.transform(turn)) {
            c.stroke(
                &path,
                radius * if i % 2 == 0 { 0.075 } else { 0.03 },
                with_alpha(tone, if behind { 0.45 } else { 0.8 }),
            );
        }
    }
}

/// A calm bust without a face before a disc, as on a poster.
pub(super) fn portrait(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    let day = p.by_day();
    c.backdrop(&[(0.0, day.ramp(0.72)), (1.0, day.ramp(0.90))], rng.range(-25.0, 25.0));
    let s = c.unit;
    let x = c.w * rng.range(0.46, 0.54);
    let head = (x, c.h * 0.5 - s * 0.08);
    let disc = s * rng.range(0.33, 0.38);
    c.disc(
        (x, head.1 + s * 0.02),
        disc,
        Fill::Vertical(day.accent(0, 0.84), day.accent(1, 0.66), head.1 - disc, head.1 + disc),
    );
    let hair = oklch(rng.range(0.22, 0.42), 0.06, rng.range(20.0, 75.0));
    let skin = oklch(rng.range(0.52, 0.84), 0.075, rng.range(48.0, 64.0));
    let shade = mix(skin, hair, 0.30);
    let cloth = day.ramp(rng.range(0.22, 0.45));
    let long = rng.chance(0.65);
    let r = s * 0.125;
    if long {
        hair_behind(c, head, r, s, hair, rng.range(0.24, 0.36));
    }
    // Neck, shoulders, head.
    c.card((x - r * 0.42, head.1 + r * 0.5, r * 0.84, r * 1.4), r * 0.4, 0.0, Fill::Flat(shade));
    let shoulder = head.1 + r * 1.66;
    let mut body = vec![(x - s * 0.36, c.h.max(shoulder + s * 0.4) + 2.0)];
    for i in 0..=30 {
        let t = i as f32 / 30.0 * 2.0 - 1.0;
        body.push((x + t * s * 0.31, shoulder + s * 0.14 * t.abs().powf(2.6) + s * 0.012 * (1.0 - t.abs())));
    }
    body.push((x + s * 0.36, c.h.max(shoulder + s * 0.4) + 2.0));
    c.polygon(&body, Fill::Vertical(mix(cloth, day.ramp(0.7), 0.25), cloth, shoulder, shoulder + s * 0.35));
    if let Some(path) =
        smooth(&[(x - r * 0.62, shoulder + s * 0.008), (x, shoulder + r * 0.52), (x + r * 0.62, shoulder + s * 0.008)])
    {
        c.path(&path, Fill::Flat(shade));
    }
    c.card(
        (head.0 - r * 0.80, head.1 - r * 1.05, r * 1.60, r * 2.12),
        r * 0.8,
        0.0,
        Fill::Linear(skin, mix(skin, shade, 0.5), (x - r, head.1), (x + r, head.1)),
    );
    fringe(c, head, r, hair, rng.chance(0.5));
    if rng.chance(0.5) {
        for side in [-1.0, 1.0] {
            c.disc((x + side * r * 0.83, head.1 + r * 0.42), r * 0.085, Fill::Flat(day.accent(2, 0.88)));
        }
    }
    for _ in 0..rng.between(2, 4) {
        let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
        let base = (x + side * s * rng.range(0.36, 0.46), c.h * 0.5 + s * 0.46);
        for i in 0..6 {
            let angle = -std::f32::consts::FRAC_PI_2 + side * (i as f32 - 2.5) * 0.30;
            if let Some(path) = leaf(base, angle, s * rng.range(0.18, 0.32), s * 0.035) {
                c.path(&path, Fill::Flat(with_alpha(mix(day.ramp(0.40), day.accent(0, 0.6), rng.unit() * 0.4), 0.92)));
            }
        }
    }
}

/// Long hair behind the head and over the shoulders.
fn hair_behind(c: &mut Canvas, head: (f32, f32), r: f32, s: f32, hair: Color, length: f32) {
    let (x, y) = head;
    c.disc((x, y - r * 0.3), r * 1.18, Fill::Flat(hair));
    c.card(
        (x - r * 1.18, y - r * 0.3, r * 2.36, s * length),
        r * 0.75,
        0.0,
        Fill::Vertical(hair, mix(hair, Color::BLACK, 0.15), y, y + s * length),
    );
}

/// Hair over the brow, parted at the side or in the middle.
fn fringe(c: &mut Canvas, head: (f32, f32), r: f32, hair: Color, middle: bool) {
    let (x, y) = head;
    let part = if middle { 0.0 } else { -0.35 };
    let crown = y - r * 1.22;
    for (from, to) in [(part, -1.0f32), (part, 1.0)] {
        let mut builder = PathBuilder::new();
        let px = x + from * r;
        builder.move_to(px, crown + r * 0.02);
        builder.cubic_to(
            x + to * r * 0.75,
            crown - r * 0.06,
            x + to * r * 0.98,
            y - r * 0.75,
            x + to * r * 0.94,
            y + r * 0.25,
        );
        builder.cubic_to(x + to * r * 0.80, y - r * 0.25, x + to * r * 0.62, y - r * 0.52, px, y - r * 0.80);
        builder.close();
        if let Some(path) = builder.finish() {
            c.path(&path, Fill::Flat(hair));
        }
    }
}
