//! Sentences with gaps. `{t}` is the subject, `{T}` the same with a capital letter,
//! `{b}` the same without an article, `{w}` one of its words.

/// All sentences of one language.
pub(super) struct Phrases {
    /// What stands for a subject where none is given.
    pub(super) nothing: &'static str,
    /// Questions and answers.
    pub(super) jokes: &'static [(&'static str, &'static str)],
    /// Lines of verse.
    pub(super) verses: &'static [&'static str],
    /// Sentences of prose, in any order.
    pub(super) prose: &'static [&'static str],
    /// First sentences of stories.
    pub(super) openings: &'static [&'static str],
    /// Last sentences of stories.
    pub(super) endings: &'static [&'static str],
    /// Short lines that sell.
    pub(super) slogans: &'static [&'static str],
    /// How a letter begins.
    pub(super) greeting: &'static str,
    /// How it ends.
    pub(super) closing: &'static str,
    /// Questions that no yes or no answers.
    pub(super) questions: &'static [&'static str],
    /// Headlines; `{h}` is the subject as a headline.
    pub(super) titles: &'static [&'static str],
}

/// The sentences of a language code; English for what is not known.
pub(super) fn of(language: &str) -> &'static Phrases {
    let code: String = language.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    match code.as_str() {
        "de" => &GERMAN,
        "es" => &SPANISH,
        "fr" => &FRENCH,
        "pt" => &PORTUGUESE,
        "nb" | "no" | "nn" => &NORWEGIAN,
        _ => &ENGLISH,
    }
}

const ENGLISH: Phrases = Phrases {
    nothing: "the unexpected",
    jokes: &[
        ("Why did {t} never get lost?", "Because {t} always comes with its own instructions, and nobody reads them."),
        (
            "How many experts on {t} does it take to change a light bulb?",
            "Three: one to change it and two to argue about what {t} really means.",
        ),
        ("What did the teapot say about {t}?", "“I am not a fan, but {t} does make my lid rattle.”"),
        (
            "Why does {t} make such a bad secret?",
            "Because whoever discovers {t} cannot stop talking about it at parties.",
        ),
        (
            "What is the difference between {t} and a long weekend?",
            "You know when the weekend ends. {T} is never quite finished.",
        ),
        ("Why did the snail take up {t}?", "Someone told it that {t} takes patience, and it had plenty in stock."),
        ("What happens when {t} walks into a library?", "Everyone whispers, except {t}, which has a lot to explain."),
        ("Why did my grandmother forbid {t} at the table?", "Because last time, {t} ate the whole conversation."),
        (
            "How do you know that someone is serious about {t}?",
            "Wait a minute. They will tell you about {t} before the coffee arrives.",
        ),
        (
            "What do {t} and socks have in common?",
            "You start with two good plans for {t}, and one of them vanishes in the wash.",
        ),
    ],
    verses: &[
        "The morning opens, quiet, on {t},",
        "and light comes slowly, as if it knew the way;",
        "a window learns the shape of {t},",
        "and keeps it for the colder end of day.",
        "I carried {t} along the river wall,",
        "where every stone had something left to say,",
        "and no one asked me what it meant at all,",
        "and so I let it talk, and let it stay.",
        "O {b}, you are smaller than a name,",
        "and wider than the field behind the rain;",
        "you leave, and yet the room is not the same,",
        "you leave, and turn, and find the door again.",
    ],
    prose: &[
        "At first glance {t} looks simple, but the details reward a second look.",
        "People who spend time with {t} often say that the small decisions matter most.",
        "There is a quiet pleasure in {t}: it asks for attention and gives some back.",
        "Those who are new to {t} should begin with one clear idea and leave the rest for later.",
        "What makes {t} memorable is not its size but its rhythm.",
        "Nobody has to master {t} in a day; an hour of honest curiosity goes a long way.",
        "Compare {t} with what came before it, and the difference is easy to see.",
        "A good way to understand {t} is to explain it to a friend who has never heard of it.",
        "The best part of {t} tends to happen just when the plan runs out.",
        "With {t}, patience is not a virtue but a tool.",
        "Some call {t} old-fashioned; others keep coming back to it for exactly that reason.",
        "In the end {t} is a conversation, and every voice in it changes the tune a little.",
    ],
    openings: &[
        "On the last Tuesday of autumn, Mara found {t} waiting on the doorstep.",
        "Nobody in the village had believed in {t}, until the night the bridge lit up.",
        "The map showed everything except {t}, and so that was where Jonas had to go.",
        "When the old clock stopped, {t} was the first thing anyone talked about.",
    ],
    endings: &[
        "And if you listen on a still evening, you can hear that {t} has never quite ended.",
        "She put the lamp in the window, for {t} and for whoever might come next.",
        "After that, nobody said the word {t} without smiling.",
        "They walked home slowly, and {t} came along as if it had always belonged to them.",
    ],
    slogans: &[
        "{T}. Made for the way you live.",
        "Less noise. More {b}.",
        "Start small. Think {b}.",
        "{T}, done right the first time.",
        "The quiet power of {t}.",
        "Tomorrow called. It wants {t}.",
        "Every day deserves {t}.",
    ],
    greeting: "Hello,",
    closing: "With kind regards,",
    questions: &[
        "What would be missing without {t}?",
        "How did {t} come to be as it is?",
        "When did you last change your mind about {t}?",
        "What do people get wrong about {t}?",
        "Who decides what {t} should be?",
        "Where would you begin with {t}?",
        "What is the hardest part of {t}?",
        "How can one tell that {t} has worked?",
        "What did {t} look like a hundred years ago?",
        "Which detail of {t} does nobody notice?",
        "Why does {t} matter to those who know it well?",
        "What comes after {t}?",
    ],
    titles: &[
        "The Quiet Side of {h}",
        "{h}, Step by Step",
        "A Short Walk with {h}",
        "{h} After Dark",
        "The Last Word on {h}",
        "{h} for Curious People",
    ],
};

const GERMAN: Phrases = Phrases {
    nothing: "das Unerwartete",
    jokes: &[
        ("Warum verläuft sich {t} nie?", "Weil zu {t} immer eine Anleitung gehört, die niemand liest."),
        ("Was haben {t} und Socken gemeinsam?", "Man beginnt mit zweien, und am Ende fehlt bei {t} immer etwas."),
        ("Woran erkennt man, dass jemand {t} liebt?", "Keine Sorge: Von {t} erfährt man noch vor dem Kaffee."),
        ("Warum hat Oma {t} am Tisch verboten?", "Weil {t} beim letzten Mal das ganze Gespräch aufgegessen hat."),
    ],
    verses: &[
        "Der Morgen öffnet sich, und still ist {t},",
        "das Licht kommt langsam, so als ob es wüsst;",
        "ein Fenster lernt die Form von {t},",
        "und hält sie, bis der Abend sie vermisst.",
        "Ich trug {t} am Fluss entlang,",
        "wo jeder Stein noch etwas sagen wollte,",
        "und keiner fragte nach dem Klang,",
        "der leise durch die Gassen rollte.",
    ],
    prose: &[
        "Auf den ersten Blick wirkt {t} einfach, doch die Einzelheiten lohnen einen zweiten.",
        "Wer sich länger mit {t} befasst, weiß: Es sind die kleinen Entscheidungen, die zählen.",
        "{T} verlangt Aufmerksamkeit und gibt sie zurück.",
        "Wer mit {t} beginnt, nimmt sich am besten nur eine Sache vor.",
        "Das Beste an {t} geschieht oft dann, wenn der Plan zu Ende ist.",
        "Niemand muss {t} an einem Tag beherrschen; eine neugierige Stunde reicht weit.",
        "Am Ende ist {t} ein Gespräch, und jede Stimme verändert die Melodie ein wenig.",
    ],
    openings: &[
        "Am letzten Dienstag im Herbst lag {t} vor Maras Tür.",
        "Niemand im Dorf hatte an {t} geglaubt, bis die Brücke zu leuchten begann.",
    ],
    endings: &[
        "Und wer an stillen Abenden lauscht, hört, dass {t} nie ganz zu Ende ging.",
        "Danach sprach niemand mehr von {t}, ohne zu lächeln.",
    ],
    slogans: &[
        "{T}. Wie für dich gemacht.",
        "Weniger Lärm. Mehr {t}.",
        "Jeder Tag verdient {t}.",
        "{T}: einfach richtig.",
    ],
    greeting: "Guten Tag,",
    closing: "Mit freundlichen Grüßen",
    questions: &[
        "Was würde ohne {t} fehlen?",
        "Wo fängt man bei {t} am besten an?",
        "Was verstehen viele an {t} falsch?",
        "Woran erkennt man, dass {t} gelungen ist?",
    ],
    titles: &["Die stille Seite: {h}", "{h}, Schritt für Schritt", "Ein Spaziergang mit {h}", "{h} für Neugierige"],
};

const SPANISH: Phrases = Phrases {
    nothing: "lo inesperado",
    jokes: &[
        ("¿Por qué {t} nunca se pierde?", "Porque {t} siempre trae instrucciones, y nadie las lee."),
        ("¿En qué se parecen {t} y los calcetines?", "Empiezas con dos y al final en {t} siempre falta uno."),
        ("¿Cómo sabes que a alguien le gusta {t}?", "Tranquilo: te hablará de {t} antes de que llegue el café."),
    ],
    verses: &[
        "La mañana se abre, en silencio, sobre {t},",
        "y la luz llega despacio, como quien sabe el camino;",
        "una ventana aprende la forma de {t},",
        "y la guarda para el frío, para el vino.",
        "Llevé {t} junto al río,",
        "donde cada piedra tenía algo que decir,",
        "y nadie preguntó si era mío,",
        "y lo dejé cantar, y lo dejé seguir.",
    ],
    prose: &[
        "A primera vista {t} parece sencillo, pero los detalles merecen otra mirada.",
        "Quien dedica tiempo a {t} sabe que las pequeñas decisiones son las que cuentan.",
        "Para empezar con {t} basta una idea clara; el resto puede esperar.",
        "Lo mejor de {t} suele ocurrir cuando se acaba el plan.",
        "Nadie domina {t} en un día; una hora de curiosidad llega muy lejos.",
        "Al final, {t} es una conversación, y cada voz cambia un poco la melodía.",
    ],
    openings: &[
        "El último martes de otoño, Mara encontró {t} en la puerta de su casa.",
        "Nadie en el pueblo creía en {t}, hasta la noche en que se iluminó el puente.",
    ],
    endings: &[
        "Y si escuchas en una tarde tranquila, sabrás que {t} nunca terminó del todo.",
        "Desde entonces, nadie dijo {t} sin sonreír.",
    ],
    slogans: &["{T}. Hecho para ti.", "Menos ruido. Más {t}.", "Cada día merece {t}."],
    greeting: "Hola:",
    closing: "Un cordial saludo,",
    questions: &["¿Qué faltaría sin {t}?", "¿Por dónde se empieza con {t}?", "¿Qué se entiende mal de {t}?"],
    titles: &["El lado tranquilo de {h}", "{h}, paso a paso", "Un paseo con {h}"],
};

const FRENCH: Phrases = Phrases {
    nothing: "l'inattendu",
    jokes: &[
        ("Pourquoi {t} ne se perd jamais ?", "Parce que {t} vient toujours avec un mode d'emploi que personne ne lit."),
        (
            "Quel est le point commun entre {t} et les chaussettes ?",
            "On commence avec deux, et à la fin, dans {t}, il en manque toujours une.",
        ),
        ("Comment reconnaît-on quelqu'un qui aime {t} ?", "Il vous parle de {t} avant que le café n'arrive."),
    ],
    verses: &[
        "Le matin s'ouvre, en silence, sur {t},",
        "la lumière vient doucement, elle connaît le chemin ;",
        "une fenêtre apprend la forme de {t},",
        "et la garde pour le soir, pour demain.",
        "J'ai porté {t} le long du fleuve,",
        "où chaque pierre avait encore à dire,",
        "et nul n'a demandé la moindre preuve,",
        "alors je l'ai laissé chanter et rire.",
    ],
    prose: &[
        "À première vue, {t} semble simple, mais les détails méritent un second regard.",
        "Ceux qui fréquentent {t} le savent : ce sont les petites décisions qui comptent.",
        "Pour débuter avec {t}, une seule idée claire suffit ; le reste attendra.",
        "Le meilleur de {t} arrive souvent quand le plan s'achève.",
        "Personne ne maîtrise {t} en un jour ; une heure de curiosité mène loin.",
        "Au fond, {t} est une conversation, et chaque voix en change un peu l'air.",
    ],
    openings: &[
        "Le dernier mardi d'automne, Mara trouva {t} devant sa porte.",
        "Personne au village ne croyait à {t}, jusqu'à la nuit où le pont s'illumina.",
    ],
    endings: &[
        "Et si l'on écoute, un soir calme, on entend que {t} n'a jamais vraiment fini.",
        "Depuis, personne ne dit {t} sans sourire.",
    ],
    slogans: &["{T}. Fait pour vous.", "Moins de bruit. Plus de {t}.", "Chaque jour mérite {t}."],
    greeting: "Bonjour,",
    closing: "Bien cordialement,",
    questions: &[
        "Que manquerait-il sans {t} ?",
        "Par où commencer avec {t} ?",
        "Qu'est-ce qu'on comprend mal dans {t} ?",
    ],
    titles: &["Le côté calme de {h}", "{h}, pas à pas", "Une promenade avec {h}"],
};

const PORTUGUESE: Phrases = Phrases {
    nothing: "o inesperado",
    jokes: &[
        ("Por que {t} nunca se perde?", "Porque {t} sempre vem com instruções, e ninguém lê."),
        ("O que {t} e meias têm em comum?", "Você começa com duas e, no fim, em {t} sempre falta uma."),
    ],
    verses: &[
        "A manhã se abre, em silêncio, sobre {t},",
        "e a luz chega devagar, como quem sabe o caminho;",
        "uma janela aprende a forma de {t},",
        "e a guarda para o frio, para o vinho.",
    ],
    prose: &[
        "À primeira vista {t} parece simples, mas os detalhes merecem outro olhar.",
        "Quem dedica tempo a {t} sabe que as pequenas decisões é que contam.",
        "Para começar com {t} basta uma ideia clara; o resto pode esperar.",
        "O melhor de {t} costuma acontecer quando o plano acaba.",
        "No fim, {t} é uma conversa, e cada voz muda um pouco a melodia.",
    ],
    openings: &[
        "Na última terça-feira do outono, Mara encontrou {t} à porta de casa.",
        "Ninguém na vila acreditava em {t}, até a noite em que a ponte se iluminou.",
    ],
    endings: &[
        "Desde então, ninguém disse {t} sem sorrir.",
        "E quem escuta, numa tarde calma, sabe que {t} nunca terminou.",
    ],
    slogans: &["{T}. Feito para você.", "Menos ruído. Mais {t}.", "Todo dia merece {t}."],
    greeting: "Olá,",
    closing: "Atenciosamente,",
    questions: &["O que faltaria sem {t}?", "Por onde se começa com {t}?", "O que se entende mal em {t}?"],
    titles: &["O lado calmo de {h}", "{h}, passo a passo", "Um passeio com {h}"],
};

const NORWEGIAN: Phrases = Phrases {
    nothing: "det uventede",
    jokes: &[
        ("Hvorfor går {t} seg aldri vill?", "Fordi {t} alltid har en bruksanvisning, og ingen leser den."),
        ("Hva har {t} og sokker til felles?", "Man begynner med to, og til slutt mangler {t} alltid en."),
    ],
    verses: &[
        "Morgenen åpner seg stille over {t},",
        "og lyset kommer sakte, som om det kan veien;",
        "et vindu lærer formen av {t},",
        "og gjemmer den til kvelden blir for seen.",
    ],
    prose: &[
        "Ved første øyekast ser {t} enkelt ut, men detaljene fortjener et nytt blikk.",
        "De som bruker tid på {t}, vet at de små valgene betyr mest.",
        "Den som er ny i {t}, bør begynne med én klar idé og la resten vente.",
        "Det beste ved {t} skjer gjerne når planen tar slutt.",
        "Til slutt er {t} en samtale, og hver stemme endrer melodien litt.",
    ],
    openings: &[
        "Den siste tirsdagen om høsten fant Mara {t} på trappa.",
        "Ingen i bygda trodde på {t}, før natten da brua lyste.",
    ],
    endings: &[
        "Siden sa ingen {t} uten å smile.",
        "Og den som lytter en stille kveld, hører at {t} aldri helt tok slutt.",
    ],
    slogans: &["{T}. Laget for deg.", "Mindre støy. Mer {t}.", "Hver dag fortjener {t}."],
    greeting: "Hei,",
    closing: "Med vennlig hilsen",
    questions: &["Hva ville mangle uten {t}?", "Hvor begynner man med {t}?", "Hva misforstår folk ved {t}?"],
    titles: &["Den stille siden av {h}", "{h}, steg for steg", "En tur med {h}"],
};
