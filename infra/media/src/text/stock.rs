//! What the sandbox has to say in English, by what it is said for. The gaps are those of
//! [`super::phrases`].

pub(super) const PANTRY: [&str; 16] = [
    "200 g of flour",
    "50 g of butter",
    "two spoonfuls of olive oil",
    "one lemon",
    "three sprigs of thyme",
    "a pinch of sea salt",
    "black pepper",
    "a spoonful of honey",
    "100 ml of cream",
    "four ripe tomatoes",
    "two cloves of garlic",
    "a handful of parsley",
    "half a litre of vegetable stock",
    "two spoonfuls of brown sugar",
    "a handful of walnuts",
    "a cup of yoghurt",
];

pub(super) const COOKING: [&str; 10] = [
    "Lay out everything for the {b} and take your time.",
    "Warm a wide pan and let the first ingredients soften for five minutes.",
    "Stir in the {w} and keep the heat low.",
    "Season little by little and taste as you go.",
    "Leave it to rest for ten minutes; good {b} gets better by waiting.",
    "Fold in what is left, gently, from the edge to the middle.",
    "Bake at 180 °C until the top turns golden.",
    "Let the {b} cool for a moment before you cut it.",
    "Scatter fresh herbs over it.",
    "Serve at once, with bread and good company.",
];

pub(super) const SCENES: [&str; 6] = [
    "a minimalist illustration of {t} on a soft gradient background",
    "{t} in warm evening light, painted in broad, calm strokes",
    "a close view of {t} with shallow focus and muted colours",
    "{t} as a paper-cut scene in three layers",
    "a quiet still life around {t}, lit from the left",
    "{t} seen from above, in flat poster colours",
];

pub(super) const SEEN: [&str; 8] = [
    "The picture is built in calm layers, with a clear foreground and a soft distance.",
    "Its colours stay within one family, from deep shade to a pale light near the middle.",
    "The light comes from one side and leaves the opposite edge in gentle shadow.",
    "Nothing in it is sharp or hurried; the eye wanders and comes back.",
    "The subject sits a little off centre, which gives the scene room to breathe.",
    "There is no text to be read and no person who looks at the viewer.",
    "Small repeated shapes give it a rhythm.",
    "It would work well as a background or a cover.",
];

/// Names of firms, houses and things; `{n}` is the subject's first word.
pub(super) const NAMES: &[&str] = &[
    "{n} & Daughters",
    "Studio {n}",
    "{n} Works",
    "House of {n}",
    "North {n}",
    "Little {n}",
    "The {n} Room",
    "{n} Lane",
    "Good {n}",
    "{n} Collective",
    "First {n}",
    "{n} and Beyond",
];

/// Names of dishes and drinks.
pub(super) const DISHES: &[&str] =
    &["Sunday {h}", "{h} of the House", "Golden {h}", "{h}, Slow and Easy", "Grandmother’s {h}", "{h} at Midnight"];

/// Names of people, real ones.
pub(super) const PEOPLE: &[&str] = &[
    "Mara", "Jonas", "Ines", "Tobias", "Leila", "Oskar", "Noor", "Emil", "Sofia", "Anton", "Hana", "Felix", "Ada",
    "Bruno", "Vera", "Samir",
];

/// Parts from which names are made that nobody has.
pub(super) const SYLLABLES: [[&str; 12]; 3] = [
    ["Ar", "Bel", "Cor", "Dun", "El", "Fen", "Gal", "Hal", "Il", "Kor", "Lor", "Mer"],
    ["a", "e", "i", "o", "u", "ae", "ia", "ea", "y", "ei", "oa", "au"],
    ["dor", "lin", "mar", "neth", "rion", "sa", "thas", "vel", "wyn", "ra", "kar", "mun"],
];

pub(super) const PLACES: &[&str] = &[
    "the harbour, where {t} is what everyone talks about",
    "the old tower above the market",
    "a bridge with a house on it",
    "the garden that was made for {t}",
    "the inn at the crossroads",
    "a square that is empty at noon",
];

pub(super) const ANSWERS: &[&str] = &[
    "{T}, and nothing else.",
    "Less than most people think.",
    "More often than it is noticed.",
    "Only together with what came before.",
    "It depends on where one begins with {t}.",
    "Yes, if there is enough time.",
    "In small steps, and never all at once.",
    "Whoever has tried {t} knows.",
];

pub(super) const STEPS: &[&str] = &[
    "Write down in one sentence what {t} is to change.",
    "Look at what is there already before anything new is begun.",
    "Choose the smallest part of it that is of use by itself.",
    "Do that part, and nothing else.",
    "Show it to somebody who knows nothing of {t}.",
    "Note what surprised them.",
    "Change one thing, and try again.",
    "Stop while there is still something left to do tomorrow.",
];

pub(super) const DAYS: &[&str] = &[
    "Arrive, leave the bags, and walk until the streets make sense.",
    "The morning for {t}, the afternoon for nothing in particular.",
    "Up early to the market, and by the water until noon.",
    "A way out of town, with bread and cheese along.",
    "What was missed because of rain.",
    "The museum that nobody talks about, and a long dinner.",
    "Back to the place that was best.",
];

pub(super) const DINNERS: &[&str] = &[
    "Soup with whatever looks best, and bread.",
    "{h} from the oven, with a green salad.",
    "Pasta with lemon and herbs.",
    "Rice with what is left of yesterday.",
    "A stew of beans that gets better by standing.",
    "Omelette with the rest of the vegetables.",
    "Pancakes, savoury first and sweet after.",
];

pub(super) const EXERCISES: &[&str] = &[
    "Three sets of twelve squats, heels on the ground.",
    "Three sets of ten press-ups, knees down if need be.",
    "A plank of thirty seconds, breathing evenly.",
    "Two sets of fifteen lunges, left and right in turn.",
    "Three sets of ten steps up and down a stair.",
    "Two sets of twelve bridges, shoulders on the ground.",
    "One minute of climbing on the spot, hands on a bench.",
    "Two sets of ten slow calf raises.",
];

pub(super) const STRETCHES: &[&str] = &[
    "Two minutes of easy steps on the spot, arms swinging.",
    "Ten slow circles of the shoulders in each direction.",
    "Half a minute of leaning to each side.",
    "One minute of stretching for each leg.",
    "Five deep breaths, lying on the back.",
];

pub(super) const PROS: &[&str] = &[
    "It makes {t} easier to begin with.",
    "It saves time from the second week on.",
    "Others can take part without being told much.",
    "It can be undone at any moment.",
    "It costs little to try.",
    "It gets better the longer it is used.",
    "It can be explained in a minute.",
];

pub(super) const CONS: &[&str] = &[
    "It asks for patience before {t} shows any effect.",
    "Somebody has to look after it.",
    "It does not suit those who are in a hurry.",
    "It hides what is going on underneath.",
    "It is hard to leave once everyone is used to it.",
    "It leaves one half of {t} untouched.",
    "It looks simpler than it is.",
];

pub(super) const ADVICE: &[&str] = &[
    "Begin with what is nearest at hand.",
    "Think of {t} as something that happens every day.",
    "Ask who would miss it if it were gone.",
    "Leave a little room for what was not planned.",
    "Look twice at whatever seems to go without saying.",
    "Remember that {t} looks different in the morning.",
    "Write down what was done before it is forgotten.",
];

pub(super) const GOALS: &[&str] = &[
    "Anyone can say in a sentence what {t} is for.",
    "It works for somebody who sees it for the first time.",
    "Nothing that was there before is lost.",
    "Whoever makes a mistake is told what to do about it.",
    "It takes less than a minute.",
    "It can be tried out without help.",
    "It is just as good on a small screen.",
];

pub(super) const THINGS: &[&str] = &[
    "a notebook for everything about {t}",
    "a good pen",
    "a jacket that keeps out wind and rain",
    "a map with marks of one’s own",
    "a book about {t}",
    "a tin of biscuits to share",
    "a small lamp",
    "a photograph in a plain frame",
    "a ball of string",
    "a bag that folds up small",
];

pub(super) const COLOURS: &[&str] =
    &["deep green", "warm yellow", "brick red", "night blue", "pale rose", "silver grey"];
pub(super) const MOODS: &[&str] =
    &["bright", "thoughtful", "calm and open", "playful", "quietly determined", "curious"];
pub(super) const SEASONS: &[&str] = &["first frost", "plum blossom", "harvest moon", "summer rain", "falling leaves"];
pub(super) const OCCUPATIONS: &[&str] =
    &["keeper of {t}", "maker of maps", "teacher of those who come late", "seller of old books", "collector of {t}"];
pub(super) const GLASSES: &[&str] = &["a tall glass, well chilled", "a low, wide glass", "a small stemmed glass"];
pub(super) const GARNISHES: &[&str] =
    &["a slice of lemon", "a sprig of mint", "a curl of cucumber", "three cranberries"];
pub(super) const LOOKS: &[&str] = &[
    "Tall, with ink on both hands and a coat that was made for somebody else.",
    "Small and quick, with a scar that each story explains in another way.",
    "Grey at the temples, and never without a lantern.",
    "Barefoot, laughing, with pockets full of string.",
];
pub(super) const STRENGTHS: &[&str] = &[
    "Notices what others overlook.",
    "Keeps a promise.",
    "Knows every road by night.",
    "Can wait.",
    "Makes enemies laugh.",
];
pub(super) const FLAWS: &[&str] = &[
    "Never asks for help.",
    "Tells secrets to strangers.",
    "Has to win.",
    "Leaves before the end.",
    "Trusts maps too much.",
];
pub(super) const CONFLICTS: &[&str] = &[
    "Who may cross the bridge after dark.",
    "To whom {t} belongs.",
    "Whether the old law still counts.",
    "What is owed to those who came first.",
    "Where the border ran before the flood.",
];
pub(super) const ENCOUNTERS: &[&str] = &[
    "A toll keeper who takes a story instead of a coin.",
    "Two guards who have forgotten what they guard.",
    "A beast that only wants its bell back.",
    "A merchant who sells {t} twice.",
    "A door that opens for whoever tells the truth.",
    "A rival who needs help and will not say so.",
    "A feast at which nobody eats.",
];
pub(super) const CAUTIONS: &[&str] = &[
    "Not for anyone with a pain that is new.",
    "Stop as soon as it hurts, and ask somebody who knows.",
    "Not alone, and not in a hurry.",
    "Half of it is enough on the first day.",
];
pub(super) const CORRECTIONS: &[&str] = &[
    "A verb now agrees with who does it.",
    "One long sentence became two.",
    "A name is written with a capital letter.",
    "A comma more before the second half.",
    "A word that was spelled by ear.",
    "The order of two words.",
    "A word that was there twice.",
];
pub(super) const HOPES: &[&str] = &[
    "It is done within a second, and says so.",
    "What was entered is still there.",
    "Whoever looks sees the new state.",
];
pub(super) const DEFECTS: &[&str] = &[
    "Nothing happens, and nobody is told why.",
    "The old state is shown until the page is loaded again.",
    "It ends with an empty page.",
];
pub(super) const SETTINGS: &[&str] = &[
    "A kitchen, late in the evening; on the table lies {t}.",
    "The last carriage of a train that does not move.",
    "A rooftop before sunrise, with {t} in view.",
    "The waiting room of a small office.",
];
pub(super) const TOASTS: &[&str] = &[
    "To {t}, and to all who found their way here!",
    "To what was, to what is, and to {t}!",
    "Raise your glasses: to {t}!",
];

/// Words that go with anything.
pub(super) const COMMON_WORDS: [&str; 14] = [
    "daily",
    "inspiration",
    "ideas",
    "newday",
    "simple",
    "make",
    "share",
    "today",
    "together",
    "discover",
    "handmade",
    "weekend",
    "slow",
    "better",
];
