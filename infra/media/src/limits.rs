//! Named limits of everything that this crate makes or reads.
//!
//! They keep the cost of one call bounded whatever its caller asks for: what lies above a limit is
//! refused with a typed error, never attempted.

/// Longest edge of a picture that is drawn, in pixels.
pub const IMAGE_EDGE_MAX: u32 = 4096;

/// Shortest edge of a picture or a video that is made, in pixels.
pub const EDGE_MIN: u32 = 16;

/// Most pixels of a picture that is drawn (4096 × 4096; about 64 MiB while it is drawn).
pub const IMAGE_PIXELS_MAX: u64 = IMAGE_EDGE_MAX as u64 * IMAGE_EDGE_MAX as u64;

/// Longest edge at which scenes are drawn; larger pictures are enlarged from that, which no eye
/// notices in soft scenes and which keeps a 4K picture well below a second.
pub const IMAGE_DRAWN_EDGE_MAX: u32 = 2048;

/// Most pixels of a picture that is read as input (a photograph of 64 megapixels).
pub const INPUT_IMAGE_PIXELS_MAX: u64 = 64_000_000;

/// Most pixels of a picture that a profile's is made of. While it is decoded it takes up to twelve bytes for each (16 bits
/// a channel with opacity, and what is made of that): 384 MB in all.
pub const PORTRAIT_PIXELS_MAX: u64 = 32_000_000;

/// Most inputs (pictures and videos together) of one picture or one video.
pub const INPUTS_MAX: usize = 16;

/// Longest edge of a video that is made, in pixels.
pub const VIDEO_EDGE_MAX: u32 = 1920;

/// Short edge of a video when the caller does not ask for a size, in pixels.
pub const VIDEO_SHORT_EDGE_DEFAULT: u32 = 480;

/// Frames per second of every video that is made.
pub const VIDEO_FPS: u32 = 12;

/// Longest video that is made, in seconds (an extension counts its source too).
pub const VIDEO_SECONDS_MAX: u32 = 120;

/// Most frames of a video that is made.
pub const VIDEO_FRAMES_MAX: u32 = VIDEO_SECONDS_MAX * VIDEO_FPS;

/// Most pixels per frame of a video that is read as input (4K UHD).
pub const INPUT_VIDEO_PIXELS_MAX: u64 = 3840 * 2160;

/// Most frames that are decoded of a video that is read as input; the rest of it is not looked at.
pub const INPUT_VIDEO_FRAMES_MAX: usize = 3_600;

/// Most samples (frames of all kinds) that the sample table of an input video may list.
pub const INPUT_VIDEO_SAMPLES_MAX: usize = 1_000_000;

/// Samples per second of all sound that is made (16-bit PCM, mono).
pub const AUDIO_SAMPLE_RATE: u32 = 22_050;

/// Longest text that is spoken, in characters (Unicode scalars); about 48 minutes, 126 MB of WAV.
pub const SPEECH_CHARS_MAX: usize = 40_000;

/// How many characters are spoken per second.
pub const SPEECH_CHARS_PER_SECOND: u32 = 14;

/// Longest piece of music, in seconds.
pub const MUSIC_SECONDS_MAX: u32 = 600;

/// Most characters of one text field, whatever its specification asks for.
pub const TEXT_CHARS_MAX: usize = 20_000;

/// Most items of one list field.
pub const LIST_ITEMS_MAX: usize = 100;

/// Longest sound effect, in seconds.
pub const EFFECT_SECONDS_MAX: u32 = 60;

/// How much of a foreign sound is decoded, in seconds; the rest of it is not heard.
pub const DECODED_SECONDS_MAX: u32 = 600;

/// Longest video that is enlarged or whose lips are moved, in seconds.
pub const REWORKED_SECONDS_MAX: u32 = 300;

/// Most frames that are decoded of such a video.
pub const REWORKED_FRAMES_MAX: usize = 36_000;

/// Longest edge of an enlarged video, in pixels.
pub const UPSCALED_VIDEO_EDGE_MAX: u32 = 3840;

/// Longest edge of an enlarged picture, in pixels.
pub const UPSCALED_IMAGE_EDGE_MAX: u32 = 8192;

/// Longest recording that is written down, in seconds.
pub const TRANSCRIPT_SECONDS_MAX: u32 = 7_200;

/// Largest description of an MP4 file that is read while it is measured, in bytes.
pub const DESCRIPTION_BYTES_MAX: u64 = 64 << 20;
