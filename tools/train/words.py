"""The words for the letter games, the JSON objects and the lists.

One idea: every word here is seen by the model in many letter games (spelling, reversing, first letter, length and so
on), so that a game that was held out for one word can still be played: its letters are known from the others.
"""

import random

ANIMALS = """ant ape badger bat bear beaver bee bird bull butterfly camel cat chicken cow crab crow deer dog
dolphin donkey duck eagle eel elephant falcon fish fly fox frog goat goose hamster hare hawk hen heron horse
kitten lamb lion lizard lobster mole monkey moose mosquito mouse mule octopus otter owl ox panda parrot
penguin pig pigeon pony puppy rabbit rat raven salmon seal shark sheep snail snake sparrow spider squirrel
swan tiger toad trout turkey turtle walrus wasp whale wolf worm zebra""".split()

COLOURS = "red green blue yellow orange purple brown black white grey pink violet silver golden".split()

FOODS = """almond apple apricot avocado bacon banana barley basil bean beef berry biscuit bread broccoli
butter cabbage cake candy carrot celery cereal cheese cherry chocolate coconut coffee cookie corn cream
cucumber egg fig flour garlic ginger grape ham honey jam juice kiwi lemon lentil lettuce lime mango melon
milk mint mushroom mustard noodle nut oat olive onion oyster pancake parsley pasta pea peach peanut pear
pepper pie pizza plum potato pumpkin radish raisin rice salad salt sandwich sauce sausage soup spinach steak
strawberry sugar tea toast tofu tomato turnip vanilla vinegar waffle walnut water wheat yogurt""".split()

THINGS = """anchor arrow axe bag ball balloon band basket bath beach bed bell belt bench bicycle blanket
board boat bone book boot bottle bowl box brick bridge broom brush bucket button cabin cable camera candle
cap car card carpet castle chain chair chalk church clock cloth coat coin comb computer cork cottage couch
cradle crown cup curtain cushion desk diamond door drawer dress drill drum engine envelope fan farm feather
fence flag flute fork fountain frame garage garden gate glass glove glue guitar hammer harbour hat helmet
hook hotel house jacket jar kettle key keyboard knife ladder lamp laptop leather letter library lock machine
magnet mailbox map mask match medal metal mirror mop motor museum nail napkin needle net newspaper oven page
paint palace pan paper park pen pencil phone piano picture pillow pipe plate pocket pot printer purse puzzle
radio rail razor ribbon ring road robot rocket roof room rope ruler saddle sail saw scarf school scissors
screen screw shelf ship shirt shoe shop shovel sink skirt sled sock sofa spoon stable stairs stamp station
stove string suit swing sword table tent theatre ticket tie tool tower towel toy track tractor train tray
truck trumpet tube umbrella vase vest village violin wagon wall wallet watch wheel whistle window wire yarn""".split()

NATURE = """air autumn bark branch bush cave cliff cloud coast comet creek desert dew dust earth field fire
flame flood flower fog forest frost grass gravel hail hill ice island jungle lake leaf light lightning
meadow mist moon mountain mud night ocean planet pond rain rainbow reef river rock root sand sea seed shadow
shell shore sky smoke snow soil spring star steam stone storm stream summer sun sunset swamp thunder tide
tree tulip valley volcano wave weather wind winter wood""".split()

PEOPLE = """actor artist aunt author baby baker boy brother captain carpenter child clerk cook cousin dancer
daughter dentist doctor driver farmer father friend gardener girl grandmother guard guest hunter husband
judge king knight lady lawyer leader man mayor mother nephew neighbour niece nurse officer painter parent
pilot plumber poet prince princess pupil queen sailor scientist singer sister soldier son student tailor
teacher thief twin uncle waiter wife wizard woman worker writer""".split()

VERBS = """accept add agree allow answer appear argue arrive ask bake balance begin believe bend bite blow
borrow break breathe bring build burn buy call carry catch change choose clap clean climb close collect come
compare complete copy count cover crawl create cross cry cut dance decide deliver describe dig discover
divide draw dream drink drive drop earn eat enjoy enter escape explain fall feed feel fight fill find finish
float fold follow forget forgive freeze gather give grow guess hang happen hear help hide hold hope hurry
imagine improve invite join jump keep kick knock know laugh learn leave lend lift listen live look lose love
make march measure meet melt mix move notice obey offer open order paint pass pay plan plant play point pour
practise press print promise protect pull push reach read remember repair repeat reply rest ride rise roll
run save scream search seek sell send shake share shine shout show sing sit sleep slide smell smile solve
speak spell spend spin stand start stay steal stop stretch study swim take talk taste teach tell thank think
throw touch trade travel trust try turn understand use visit wait wake walk want warn wash wear weigh
whisper win wish wonder work wrap write yawn""".split()

QUALITIES = """able afraid angry asleep awake bad beautiful big bitter bold brave bright broad broken busy
calm careful cheap clean clear clever cold common cool cruel curious dark deep different difficult dirty dry
dull eager early easy empty equal fair famous fast fat fierce final fine firm flat foolish free fresh
friendly full funny gentle glad good great happy hard healthy heavy high hollow honest hot huge humble
hungry important jolly kind large late lazy light little lonely long loose loud low lucky mild modern narrow
neat new nice noisy normal odd old open pale perfect plain pleasant polite poor possible proud pure quick
quiet rare ready rich right ripe rough round sad safe secret serious shallow sharp short shy silent simple
slow small smart smooth soft solid sour special square steady steep sticky straight strange strong sudden
sweet swift tall tame thick thin tight tiny tired true ugly useful usual warm weak wet wide wild wise
wonderful wrong young""".split()

ABSTRACT = """advice age anger beauty birth bottom centre chance choice circle comfort corner courage danger
date day death delight distance doubt edge effort end energy error example fact fear fun future game habit
half hope hour idea joke journey joy language law lesson line luck meaning memory method middle minute
mistake moment month morning music name nature number object opinion pain part past patience peace people
person piece place pleasure point power present price problem question reason result rule science sense
shape side size skill song sound space speed spirit story strength success surprise team thing thought time
top trouble truth value victory view voice war way week weight word world year""".split()

NAMES = """Ada Adam Alan Alice Amir Anna Anton Ben Boris Carl Carla Chen Clara Dan David Diana Elena Emil
Emma Eric Eva Felix Fiona Frank George Grace Hana Hans Harry Helen Hugo Ida Igor Ines Ivan Jack Jane Jonas
Julia Karen Karl Kenji Lara Laura Leo Lena Linus Lisa Louis Lucy Luis Maria Mark Martin Mary Max Maya Mia
Mila Nadia Nils Nina Noah Nora Olga Oliver Omar Oscar Otto Paul Paula Peter Petra Quinn Rachel Ravi Rita
Robert Rosa Ruth Sam Sara Simon Sofia Sven Tara Tim Tom Uma Vera Victor Wendy Yuki Yusuf Zara Zoe""".split()

GROUPS = (ANIMALS, COLOURS, FOODS, THINGS, NATURE, PEOPLE, VERBS, QUALITIES, ABSTRACT)
WORDS = sorted({word for group in GROUPS for word in group})

_ONSETS = "b c d f g h j k l m n p r s t v w y z bl br ch cl cr dr fl fr gl gr pl pr qu sc sh sl sm sn sp st sw th tr wh".split()
_VOWELS = "a e i o u a e i o u ai ea ee ie oo ou".split()
_CODAS = ["", "", "", "b", "ck", "d", "ff", "g", "l", "ll", "m", "n", "nd", "ng", "nt", "p", "r", "rd", "s",
          "ss", "st", "t", "x"]
_ENDINGS = ["", "", "", "", "s", "ed", "ing", "er", "ly", "y", "tion", "ness", "able", "ful"]


def pick(rng: random.Random, items):
    """One of the items; a faster rng.choice, since it is the inner loop of the whole generator."""
    return items[int(rng.random() * len(items))]


# The tokenizer's pieces of words, once it is known: every one of them must be spelled now and then.
PIECES: list[str] = []


def invented(rng: random.Random) -> str:
    """A word that does not exist but could: it teaches the letters of all pieces of words."""
    if PIECES and rng.random() < 0.6:
        return "".join(pick(rng, PIECES) for _ in range(pick(rng, (1, 2, 2, 3))))[:14]
    word = ""
    for _ in range(1 + int(rng.random() * 3)):
        word += pick(rng, _ONSETS) + pick(rng, _VOWELS) + pick(rng, _CODAS)
    return word + pick(rng, _ENDINGS)


if __name__ == "__main__":
    print(len(WORDS), "words,", len(NAMES), "names")
