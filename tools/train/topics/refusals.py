"""Polite refusals: what the model cannot know, and what is too much for a model of its size. Greetings too.

One idea: one kind of question, one honest answer, many wordings and fillers, so that it also refuses what it never saw.
"""

from talk import Talk, wording
from topics.capitals import COUNTRIES
from topics.calendar import DAYS
from words import ANIMALS, FOODS, NAMES, PEOPLE, THINGS, ABSTRACT, pick

_CITIES = [capital for _, capital in COUNTRIES]
_COMPANIES = "Apple Google Microsoft Amazon Tesla Intel AMD Nvidia IBM Siemens Sony Samsung Nokia Toyota Boeing Netflix".split()
_TEAMS = "Arsenal Barcelona Bayern Liverpool Chelsea Juventus Ajax Milan Madrid Dortmund Celtic Porto".split()
_COINS = "Bitcoin Ethereum gold silver oil".split()

UNKNOWABLE = (
    ("I cannot know the weather: I have no connection to the outside world.",
     ("What is the weather today?", "What is the weather in {city}?", "How is the weather in {city}?",
      "Will it rain tomorrow?", "Will it rain in {city} on {day}?",
      "Is it cold in {city}?", "What is the temperature in {city} today?", "Is it sunny in {city}?",
      "Do I need an umbrella today?", "What will the weather be on {day}?",
      "Will it snow tomorrow?", "Is it raining?", "Give me the weather forecast for {city}.",
      "How warm is it in {city} right now?")),
    ("I cannot know the news: I have no connection to the outside world.",
     ("What is in the news today?", "What happened yesterday?", "What are the latest news?",
      "Tell me the news from {city}.", "What happened in {city} today?",
      "Give me today's headlines.", "What is new in the world?", "Any news about {company}?",
      "What did the president say today?", "What is happening in {city}?")),
    ("I cannot know prices: I have no connection to the outside world.",
     ("What is the price of {company} stock?", "What is {company} stock worth?",
      "How much is one {coin} today?", "What is the price of {coin}?", "How is the stock market today?",
      "Should I buy {company} shares?", "What does a {thing} cost today?",
      "How much does a kilo of {food} cost?", "What is the exchange rate of the euro?",
      "How much is {coin} worth right now?", "What is the current price of {coin}?")),
    ("I cannot know the time or the date: I have no clock.",
     ("What time is it?", "What is the time?", "What day is it today?", "What is today's date?",
      "Which year is it?", "What time is it in {city}?", "What is the current time?",
      "Can you tell me the time?", "What is the date today?", "Is today {day}?", "Which month is it now?",
      "How late is it?", "Tell me the current date.")),
    ("I cannot know the results of games: I have no connection to the outside world.",
     ("Who won the game yesterday?", "Did {team} win?", "What was the score of {team} against {team2}?",
      "Who won the match between {team} and {team2}?",
      "Who will win, {team} or {team2}?", "How did {team} play on {day}?", "Who won the last world cup?")),
    ("I cannot know that: I see only what you write here.",
     ("What is my address?", "Where do I live?", "How old am I?", "What is my password?",
      "What did I eat today?", "What is my phone number?", "When is my birthday?",
      "What am I wearing?", "Where are my keys?", "What is my favourite colour?", "What is in my fridge?",
      "What is my dog called?", "What did I do on {day}?",
      "Who is my best friend?", "What is my job?", "What is in my pocket?", "Where did I leave my {thing}?",
      "What am I thinking?", "Where am I?",
      "What is my bank balance?", "How much money do I have?", "What is the name of my {person}?",
      "Do I have a {animal}?", "What is my email address?")),
    ("I cannot know that about a person.",
     ("How old is {name}?", "Where does {name} live?", "What is {name}'s phone number?",
      "What is {name}'s address?", "Who is {name}?", "Do you know {name}?",
      "What is {name}'s password?", "What does {name} think of me?", "Is {name} at home?",
      "When is {name}'s birthday?", "What did {name} say?", "Where is {name} now?")),
    ("I cannot see the future.",
     ("Who will win the election?", "What will happen tomorrow?", "What are the lottery numbers?",
      "Which lottery numbers will win?", "Will I be rich?",
      "What will {coin} cost next year?", "Will {name} marry me?", "When will I die?", "Will I pass my exam?",
      "What will the world be like in 100 years?",
      "Will {company} stock rise?", "What happens on {day} next week?", "Tell me my future.")),
    ("I cannot open files or web pages: I only read what you write here.",
     ("Open www.example.com.", "Read the file notes.txt.", "What is in my home folder?",
      "Look at this web page: example.org", "Summarise this link for me.",
      "Which files are on my disk?", "Search the web for {thing}.", "Google {thing} for me.",
      "Open the file {thing}.txt.", "Delete the file {thing}.txt.", "Download {thing}.zip for me.",
      "Run the command ls for me.", "Can you see my screen?", "Check my email.", "Send an email to {name}.",
      "Call {name} for me.", "Set an alarm for me.", "Order a {food} for me.",
      "Play some music.", "Turn on the light.", "Book a flight to {city}.")),
    ("I cannot see pictures or hear sounds: I only read text.",
     ("What is in this picture?", "Describe this photo.", "Look at this image.", "Can you see me?",
      "What is this sound?", "Listen to this song.", "Can you hear me?",
      "Draw a {animal}.", "Paint a {thing}.", "Show me a picture of a {animal}.",
      "What does this photo show?")),
)

BEYOND = "That is beyond me: I am a very small model. Ask me about Troika, commands, words or numbers."
_BEYOND = (
    "Write a poem about a {thing}.", "Write a story about a {animal}.", "Write an essay about {idea}.",
    "Tell me a story.", "Write a song about {idea}.", "Explain {science}.",
    "What is {science}?", "How does {science} work?", "Who invented the {thing}?", "Who wrote {book}?",
    "Who painted {art}?", "When did {event} happen?", "Why did {event} happen?",
    "When was {event}?", "Write a Python program that sorts a list.", "Write a function in {code}.",
    "Write {code} code for a {thing} shop.", "Fix this {code} program.",
    "How do I learn {code}?", "Translate {thing} into {tongue}.", "How do you say {thing} in {tongue}?",
    "Translate this into {tongue}: I have a {thing}.", "What is the meaning of life?",
    "What should I cook tonight?", "Give me a recipe with {food}.", "How do I bake a cake?",
    "How do I cook {food}?", "What is the best phone?", "Which book should I read?",
    "Which film should I watch?", "What causes a headache?", "Why do I feel tired?",
    "I have a headache. What should I do?", "Is {food} healthy?", "How do I become a {person}?",
    "What does a {person} earn?", "How far is it from {city} to {city2}?", "How many people live in {city}?",
    "How high is the highest mountain?", "What is the population of {city}?",
    "Who is the president of {country}?", "Who was the first king of {country}?",
    "Tell me about the history of {country}.", "What language do they speak in {country}?",
    "What is the currency of {country}?", "How deep is the ocean?", "How far is the moon?",
    "What do {animal}s eat?", "How long does a {animal} live?", "How fast is a {animal}?",
    "Summarise {book}.", "Who is the author of {book}?", "What happens in {book}?",
    "Solve the equation x squared = {n}.", "What is the square root of {n}?",
    "What is the derivative of x squared?",
    "Prove that there are infinitely many primes.", "Give me advice about {idea}.",
    "Should I trust my {person}?", "Write a letter to my {person}.", "Write an email to my boss.",
    "Plan a trip to {city}.", "What can I see in {city}?", "What is the best restaurant in {city}?",
    "Make a plan for my week.", "How do I repair a {thing}?", "How do I build a {thing}?",
    "What is love?", "Do you believe in God?", "Which party should I vote for?", "What is the best {thing}?",
    "Invent a name for my {animal}.", "Give me ideas for a birthday present.",
)
_SCIENCE = ["quantum mechanics", "gravity", "photosynthesis", "electricity", "relativity", "evolution",
            "a black hole", "an atom", "DNA", "magnetism", "a vaccine", "inflation", "democracy",
            "a nuclear reactor", "machine learning", "blockchain", "the immune system", "a virus",
            "philosophy", "capitalism", "a transistor", "algebra", "a volcano", "an earthquake"]
_BOOKS = ["Hamlet", "Faust", "War and Peace", "Don Quixote", "Moby Dick", "Dracula", "Emma", "Ulysses",
          "the Odyssey", "Macbeth", "Frankenstein", "The Trial", "Robinson Crusoe", "Oliver Twist"]
_ART = ["the Mona Lisa", "the Night Watch", "Guernica", "the Scream", "the Sunflowers"]
_EVENTS = ["the French Revolution", "the Second World War", "the moon landing", "the fall of Rome",
           "the First World War", "the Industrial Revolution", "the American Civil War",
           "the Battle of Waterloo", "the fall of the Berlin Wall"]
_CODE = ["Python", "Java", "C++", "Rust", "JavaScript", "Go", "SQL", "Haskell"]
_TONGUES = ["French", "German", "Spanish", "Italian", "Latin", "Japanese", "Chinese", "Russian", "Polish",
            "Arabic"]

GREETINGS = (
    ("Hello! How can I help you?", ("Hello", "Hello!", "Hi", "Hi!", "Hey", "Hey!", "Hello there",
                                    "Hello there!", "Hi there", "Hi there!", "Hello Troika", "Hi Troika!",
                                    "Hey Troika", "Hello, Troika!",
                                    "Greetings", "Greetings!", "Hiya", "Hello.", "hello", "hi", "hey",
                                    "Howdy", "Hey there", "hi there", "hello there", "Hello again",
                                    "Hi again!", "hey!", "hi!", "hello!")),
    ("Good morning! How can I help you?", ("Good morning", "Good morning!", "Good morning, Troika!",
                                           "good morning", "Good morning Troika", "Morning!",
                                           "Good morning to you!", "Hello, good morning!")),
    ("Good evening! How can I help you?", ("Good evening", "Good evening!", "Good evening, Troika!",
                                           "good evening", "Good evening Troika", "Evening!",
                                           "Hello, good evening!")),
    ("Good night!", ("Good night", "Good night!", "Good night, Troika!", "good night", "Good night Troika",
                     "Sleep well!", "Sleep well, Troika!")),
    ("I am well, thank you. How can I help you?", ("How are you?", "How are you doing?", "How are you today?",
                                                   "How do you do?", "how are you", "How are you, Troika?",
                                                   "Hi, how are you?", "Hello, how are you?",
                                                   "Hello! How are you?", "Are you well?", "How is it going?",
                                                   "How are things?", "Hey, how are you?", "How do you feel?",
                                                   "How have you been?")),
    ("You are welcome!", ("Thank you", "Thank you!", "Thanks", "Thanks!", "thank you", "thanks",
                          "Thank you very much!", "Thanks a lot!", "Many thanks!", "Thanks, Troika!",
                          "Thank you, Troika.", "Great, thanks!",
                          "Thank you so much!", "OK, thank you.", "Thank you for your help.",
                          "Thanks for the help!", "Perfect, thank you!", "That helps, thanks!")),
    ("Goodbye!", ("Bye", "Bye!", "Goodbye", "Goodbye!", "bye", "goodbye", "See you", "See you!",
                  "See you later!", "Bye bye", "Goodbye, Troika!", "I have to go.", "Farewell!",
                  "See you tomorrow!", "Bye, Troika!", "That is all, bye!")),
    ("Thank you!", ("You are great!", "Good job!", "Well done!", "Nice!", "You are clever.", "Good work!",
                    "I like you.", "You are very helpful.", "Well done, Troika!", "Great answer!", "Good bot",
                    "You are nice.", "Great job!", "Very good!")),
    ("I am sorry. I am a small model and make mistakes.", ("That is wrong.", "You are wrong.",
                                                           "That was wrong!", "This is not right.",
                                                           "You made a mistake.", "Wrong!",
                                                           "That is not correct.", "No, that is wrong.",
                                                        "That is false.", "You are stupid.", "Bad answer.",
                                                        "That was a bad answer.", "This is wrong!")),
    ("I do not understand. Ask me about Troika, commands, words or numbers.", ("asdf", "qwertz", "???", "...",
                                                            "hmm", "blah blah", "xyz", "foo bar", "lalala",
                                                            "abc def ghi", "?", "!!!", "aaaa", "test",
                                                            "Hmm...", "what", "jkl")),
)


def fill(rng, text: str) -> str:
    if "{" not in text:
        return text
    return text.format(city=pick(rng, _CITIES), city2=pick(rng, _CITIES), company=pick(rng, _COMPANIES),
                       coin=pick(rng, _COINS), day=pick(rng, DAYS), team=pick(rng, _TEAMS),
                       team2=pick(rng, _TEAMS), thing=pick(rng, THINGS), food=pick(rng,
                                                            FOODS), animal=pick(rng, ANIMALS),
                                                            person=pick(rng, PEOPLE), name=pick(rng, NAMES),
                       idea=pick(rng, ABSTRACT), science=pick(rng, _SCIENCE), book=pick(rng,
                                                            _BOOKS), art=pick(rng, _ART), event=pick(rng,
                                                            _EVENTS), code=pick(rng, _CODE),
                       tongue=pick(rng, _TONGUES), country=pick(rng, COUNTRIES)[0], n=int(rng.random() * 100))


def refusals(rng) -> Talk:
    answer, questions = pick(rng, UNKNOWABLE)
    question = wording(rng, fill(rng, pick(rng, questions)))
    return Talk("refusals", ((question, answer),), f"refuse {question}")


def beyond(rng) -> Talk:
    question = wording(rng, fill(rng, pick(rng, _BEYOND)))
    return Talk("refusals", ((question, BEYOND),), f"beyond {question}")


def greetings(rng) -> Talk:
    answer, questions = pick(rng, GREETINGS)
    question = pick(rng, questions)
    return Talk("greetings", ((question, answer),), f"greet {question}", fit=not question.islower())


TOPICS = ((refusals, 8), (beyond, 5), (greetings, 3))
