//! Decides what each frame of a video shows.

use super::frame::Frame;
use super::source::Source;
use super::{VideoMode, VideoSpec, still, stills};
use crate::error::MediaError;
use crate::limits::VIDEO_FPS;
use crate::picture::{Rgb, paint};
use crate::seed::{Rng, Root};

/// How much larger than the frame a scene is drawn, so that the camera has room to glide.
const ROOM: f32 = 1.2;

/// Everything that is needed to make a video's frames in order.
pub(super) struct Director {
    size: (u32, u32),
    duration_ms: u64,
    glide: Glide,
    motes: Vec<Mote>,
    take: Take,
}

enum Take {
    Scene(Frame),
    Start(Frame),
    References { scene: Frame, each: Vec<Frame> },
    Between { first: Frame, last: Frame },
    Edit { source: Box<Source>, tint: (u8, u8), cards: Vec<Frame> },
    Extend { source: Box<Source>, scene: Frame, last: Option<Frame> },
    Motion { source: Box<Source>, card: Frame, tracker: Tracker },
}

impl Director {
    /// Reads all inputs of a video and draws what it needs.
    pub(super) fn new(spec: &VideoSpec, width: u32, height: u32) -> Result<Self, MediaError> {
        let root = Root::new(&spec.prompt, spec.seed);
        let size = (width, height);
        let open = |file: &bytes::Bytes, index| Source::open(file.clone(), index, size).map(Box::new);
        let mut duration_ms = spec.duration_ms;
        let take = match &spec.mode {
            VideoMode::Text => Take::Scene(scene(spec, size, &[])?),
            VideoMode::Image { start } => Take::Start(Frame::cover(&still(start, 0, size)?, width, height)),
            VideoMode::References { inputs } => {
                if inputs.is_empty() {
                    return Err(MediaError::NoInput);
                }
                let pictures = stills(inputs, 0, size)?;
                let each = pictures.iter().map(|picture| Frame::cover(picture, width, height)).collect();
                Take::References { scene: scene(spec, size, &pictures)?, each }
            }
            VideoMode::FirstLast { first, last } => Take::Between {
                first: Frame::cover(&still(first, 0, size)?, width, height),
                last: Frame::cover(&still(last, 1, size)?, width, height),
            },
            VideoMode::Edit { source, references } => {
                let source = open(source, 0)?;
                let cards = stills(references, 1, size)?.iter().map(|picture| card(picture, size, 0.24)).collect();
                let mut rng = root.stream("tint");
                let angle = rng.range(0.0, std::f32::consts::TAU);
                let tint = ((128.0 + 46.0 * angle.cos()) as u8, (128.0 + 46.0 * angle.sin()) as u8);
                Take::Edit { source, tint, cards }
            }
            VideoMode::Extend { source } => {
                let source = open(source, 0)?;
                duration_ms += source.duration_ms();
                Take::Extend { source, scene: scene(spec, size, &[])?, last: None }
            }
            VideoMode::Motion { character, source } => Take::Motion {
                card: card(&still(character, 0, size)?, size, 0.5),
                source: open(source, 1)?,
                tracker: Tracker::default(),
            },
        };
        let mut rng = root.stream("camera");
        let glide = Glide::draw(&mut rng);
        let motes = (0..26).map(|_| Mote::draw(&mut rng)).collect();
        Ok(Self { size, duration_ms, glide, motes, take })
    }

    /// The length of the whole video.
    pub(super) fn duration_ms(&self) -> u64 {
        self.duration_ms
    }

    /// The `number`-th of `count` frames; frames must be asked for in order.
    pub(super) fn frame(&mut self, number: u32, count: u32) -> Result<Frame, MediaError> {
        let t = number as f32 / count.saturating_sub(1).max(1) as f32;
        let ms = u64::from(number) * 1000 / u64::from(VIDEO_FPS);
        let seconds = ms as f32 / 1000.0;
        let (w, h) = self.size;
        Ok(match &mut self.take {
            Take::Scene(scene) => {
                let mut frame = self.glide.view(scene, self.size, t);
                motes(&self.motes, &mut frame, seconds, 1.0);
                frame
            }
            Take::Start(start) => {
                // At first the picture as it is; movement and light set in softly.
                let mut frame = start.view(w, h, 1.0 + 0.16 * ease(t), self.glide.x * ease(t), self.glide.y * ease(t));
                motes(&self.motes, &mut frame, seconds, (seconds / 1.5).min(1.0));
                frame
            }
            Take::References { scene, each } => {
                let mut frame = self.glide.view(scene, self.size, t);
                show_each(&mut frame, each, t, self.size);
                motes(&self.motes, &mut frame, seconds, 0.6);
                frame
            }
            Take::Between { first, last } => {
                let mut frame = first.view(w, h, 1.0 + 0.1 * ease(t), 0.0, 0.0);
                let share = ease(((t - 0.2) / 0.6).clamp(0.0, 1.0));
                if share > 0.0 {
                    frame.blend(&last.view(w, h, 1.0 + 0.1 * ease(1.0 - t), 0.0, 0.0), share);
                }
                frame
            }
            Take::Edit { source, tint, cards } => {
                let mut frame = source.looped(ms)?;
                frame.tint(tint.0, tint.1, 0.45, 0.94);
                let (across, reach) = (w as f32 * (1.5 * ((seconds / 3.2) % 1.0) - 0.25), h as f32 * 0.55);
                frame.glow((across, h as f32 * 0.4), reach, 34.0);
                hang(&mut frame, cards);
                frame
            }
            Take::Extend { source, scene, last } => {
                let seam = source.duration_ms();
                if ms < seam {
                    let frame = source.at(ms)?;
                    *last = Some(frame.clone());
                    return Ok(frame);
                }
                let added = (self.duration_ms - seam).max(1);
                let t = ((ms - seam) as f32 / added as f32).clamp(0.0, 1.0);
                let mut frame = match last {
                    Some(last) => last.view(w, h, 1.0 + 0.2 * t, self.glide.x * t, self.glide.y * t),
                    None => source.at(seam)?,
                };
                frame.blend(&self.glide.view(scene, self.size, t), ease((t / 0.6).clamp(0.0, 1.0)));
                motes(&self.motes, &mut frame, seconds, t);
                frame
            }
            Take::Motion { source, card, tracker } => {
                let mut frame = source.looped(ms)?;
                let (x, y) = tracker.follow(&frame, seconds);
                frame.tint(128, 128, 0.3, 0.62);
                let left = x * w as f32 - card.width as f32 / 2.0;
                let top = y * h as f32 - card.height as f32 / 2.0;
                let most = (w as f32 - card.width as f32, h as f32 - card.height as f32);
                let place = (left.clamp(0.0, most.0.max(0.0)), top.clamp(0.0, most.1.max(0.0)));
                frame.inset(card, place.0 as i32, place.1 as i32, (w.min(h) / 90) as i32);
                frame
            }
        })
    }
}

/// The drawn scene of a prompt, with room around the frame.
fn scene(spec: &VideoSpec, size: (u32, u32), references: &[Rgb]) -> Result<Frame, MediaError> {
    let roomy = |edge: u32| ((edge as f32 * ROOM / 2.0).round() as u32) * 2;
    Ok(Frame::from_rgb(&paint(&spec.prompt, spec.seed, roomy(size.0), roomy(size.1), references)?))
}

/// A picture in its own ratio, as high or as broad as a share of the frame.
fn card(picture: &Rgb, size: (u32, u32), share: f32) -> Frame {
    let ratio = (picture.width as f32 / picture.height as f32).clamp(0.5, 2.0);
    let room = (size.0 as f32 * share * 1.2, size.1 as f32 * share);
    let (w, h) = if room.1 * ratio <= room.0 { (room.1 * ratio, room.1) } else { (room.0, room.0 / ratio) };
    let even = |edge: f32| ((edge / 2.0).round() as u32 * 2).max(4);
    Frame::cover(picture, even(w), even(h))
}

/// Places cards side by side along the lower edge, from the right.
fn hang(frame: &mut Frame, cards: &[Frame]) {
    let margin = (frame.width.min(frame.height) / 24) as i32;
    let border = (frame.width.min(frame.height) / 160).max(2) as i32;
    let (mut right, mut bottom) = (frame.width as i32 - margin, frame.height as i32 - margin);
    for card in cards {
        if right - (card.width as i32) < margin {
            // The row is full: the next one above it.
            right = frame.width as i32 - margin;
            bottom -= card.height as i32 + margin;
        }
        frame.inset(card, right - card.width as i32, bottom - card.height as i32, border);
        right -= card.width as i32 + margin;
    }
}

/// After the first third, the references one after another over the whole frame.
fn show_each(frame: &mut Frame, each: &[Frame], t: f32, size: (u32, u32)) {
    const FROM: f32 = 0.34;
    // How much of each turn passes until its picture stands there whole and still.
    const FADE: f32 = 0.3;
    if t < FROM || each.is_empty() {
        return;
    }
    let turn = (t - FROM) / (1.0 - FROM) * each.len() as f32;
    let current = (turn as usize).min(each.len() - 1);
    let within = (turn - current as f32).clamp(0.0, 1.0);
    let view = |i: usize, within: f32| each[i].view(size.0, size.1, 1.0 + 0.1 * (within - FADE).max(0.0), 0.0, 0.0);
    if current > 0 && within < FADE {
        *frame = view(current - 1, 1.0);
    }
    frame.blend(&view(current, within), ease((within / FADE).clamp(0.0, 1.0)));
}

/// Slow at both ends.
fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// A camera's way over a picture.
#[derive(Debug, Clone, Copy)]
struct Glide {
    x: f32,
    y: f32,
    zoom_in: bool,
}

impl Glide {
    fn draw(rng: &mut Rng) -> Self {
        let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
        Self { x: side * rng.range(0.6, 1.0), y: rng.range(-0.6, 0.6), zoom_in: rng.chance(0.6) }
    }

    fn view(&self, picture: &Frame, size: (u32, u32), t: f32) -> Frame {
        let way = ease(t) * 2.0 - 1.0;
        let near = if self.zoom_in { ease(t) } else { 1.0 - ease(t) };
        // Zoom 1 shows the picture with all its room.
        picture.view(size.0, size.1, 1.06 + 0.2 * near, self.x * way, self.y * way)
    }
}

/// A drifting point of light.
#[derive(Debug, Clone, Copy)]
struct Mote {
    x: f32,
    y: f32,
    size: f32,
    speed: f32,
    sway: f32,
    phase: f32,
    light: f32,
}

impl Mote {
    fn draw(rng: &mut Rng) -> Self {
        Self {
            x: rng.unit(),
            y: rng.unit(),
            size: rng.range(0.006, 0.026),
            speed: rng.range(0.012, 0.045),
            sway: rng.range(0.004, 0.02),
            phase: rng.range(0.0, std::f32::consts::TAU),
            light: rng.range(22.0, 70.0),
        }
    }
}

/// Draws all motes at a time; they rise, sway and flicker.
fn motes(motes: &[Mote], frame: &mut Frame, seconds: f32, strength: f32) {
    let (w, h) = (frame.width as f32, frame.height as f32);
    for mote in motes {
        let y = (mote.y - mote.speed * seconds).rem_euclid(1.2) - 0.1;
        let x = mote.x + mote.sway * (seconds * 0.9 + mote.phase).sin();
        let light = mote.light * strength * (0.65 + 0.35 * (seconds * 1.7 + mote.phase).sin());
        if light > 0.5 {
            frame.glow((x * w, y * h), mote.size * w.min(h) * 1.6, light);
        }
    }
}

/// Finds where something moves in a video: the weighted middle of what changed since the last frame.
#[derive(Debug, Default)]
struct Tracker {
    before: Vec<u8>,
    place: Option<(f32, f32)>,
}

impl Tracker {
    /// Where the movement is, in shares of the frame, smoothed.
    fn follow(&mut self, frame: &Frame, seconds: f32) -> (f32, f32) {
        const STEP: usize = 8;
        let width = frame.width as usize;
        let (mut sum, mut sum_x, mut sum_y) = (0f32, 0f32, 0f32);
        if self.before.len() == frame.y.len() {
            for y in (0..frame.height as usize).step_by(STEP) {
                for x in (0..width).step_by(STEP) {
                    let change = frame.y[y * width + x].abs_diff(self.before[y * width + x]);
                    // Noise of the coding is not movement.
                    let weight = f32::from(change.saturating_sub(6));
                    sum += weight;
                    sum_x += weight * x as f32;
                    sum_y += weight * y as f32;
                }
            }
        }
        self.before.clone_from(&frame.y);
        let calm = (0.5 + 0.16 * (seconds * 0.8).sin(), 0.5 + 0.05 * (seconds * 1.9).sin());
        let target =
            if sum > 400.0 { (sum_x / sum / frame.width as f32, sum_y / sum / frame.height as f32) } else { calm };
        let place =
            self.place.map_or(calm, |old| (old.0 + (target.0 - old.0) * 0.22, old.1 + (target.1 - old.1) * 0.22));
        self.place = Some(place);
        place
    }
}
