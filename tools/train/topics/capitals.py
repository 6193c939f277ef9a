"""Capitals of countries, both ways."""

from talk import Talk, wording
from words import pick

_TABLE = """Afghanistan:Kabul;Albania:Tirana;Algeria:Algiers;Andorra:Andorra la Vella;Angola:Luanda;
Argentina:Buenos Aires;Armenia:Yerevan;Australia:Canberra;Austria:Vienna;Azerbaijan:Baku;Bahrain:Manama;
Bangladesh:Dhaka;Barbados:Bridgetown;Belarus:Minsk;Belgium:Brussels;Belize:Belmopan;Benin:Porto-Novo;
Bhutan:Thimphu;Bolivia:Sucre;Bosnia and Herzegovina:Sarajevo;Botswana:Gaborone;Brazil:Brasília;Bulgaria:Sofia;
Burkina Faso:Ouagadougou;Burundi:Gitega;Cambodia:Phnom Penh;Cameroon:Yaoundé;Canada:Ottawa;Chad:N'Djamena;
Chile:Santiago;China:Beijing;Colombia:Bogotá;Costa Rica:San José;Croatia:Zagreb;Cuba:Havana;Cyprus:Nicosia;
the Czech Republic:Prague;Denmark:Copenhagen;the Dominican Republic:Santo Domingo;Ecuador:Quito;Egypt:Cairo;
El Salvador:San Salvador;Eritrea:Asmara;Estonia:Tallinn;Ethiopia:Addis Ababa;Fiji:Suva;Finland:Helsinki;
France:Paris;Gabon:Libreville;Georgia:Tbilisi;Germany:Berlin;Ghana:Accra;Greece:Athens;Grenada:St. George's;
Guatemala:Guatemala City;Guinea:Conakry;Guyana:Georgetown;Haiti:Port-au-Prince;Honduras:Tegucigalpa;
Hungary:Budapest;Iceland:Reykjavik;India:New Delhi;Indonesia:Jakarta;Iran:Tehran;Iraq:Baghdad;Ireland:Dublin;
Israel:Jerusalem;Italy:Rome;Ivory Coast:Yamoussoukro;Jamaica:Kingston;Japan:Tokyo;Jordan:Amman;
Kazakhstan:Astana;Kenya:Nairobi;Kuwait:Kuwait City;Kyrgyzstan:Bishkek;Laos:Vientiane;Latvia:Riga;
Lebanon:Beirut;Lesotho:Maseru;Liberia:Monrovia;Libya:Tripoli;Liechtenstein:Vaduz;Lithuania:Vilnius;
Luxembourg:Luxembourg;Madagascar:Antananarivo;Malawi:Lilongwe;Malaysia:Kuala Lumpur;the Maldives:Malé;
Mali:Bamako;Malta:Valletta;Mauritania:Nouakchott;Mauritius:Port Louis;Mexico:Mexico City;Moldova:Chișinău;
Monaco:Monaco;Mongolia:Ulaanbaatar;Montenegro:Podgorica;Morocco:Rabat;Mozambique:Maputo;Myanmar:Naypyidaw;
Namibia:Windhoek;Nepal:Kathmandu;the Netherlands:Amsterdam;New Zealand:Wellington;Nicaragua:Managua;
Niger:Niamey;Nigeria:Abuja;North Korea:Pyongyang;North Macedonia:Skopje;Norway:Oslo;Oman:Muscat;
Pakistan:Islamabad;Panama:Panama City;Papua New Guinea:Port Moresby;Paraguay:Asunción;Peru:Lima;
the Philippines:Manila;Poland:Warsaw;Portugal:Lisbon;Qatar:Doha;Romania:Bucharest;Russia:Moscow;Rwanda:Kigali;
San Marino:San Marino;Saudi Arabia:Riyadh;Senegal:Dakar;Serbia:Belgrade;Sierra Leone:Freetown;
Singapore:Singapore;Slovakia:Bratislava;Slovenia:Ljubljana;Somalia:Mogadishu;South Africa:Pretoria;
South Korea:Seoul;South Sudan:Juba;Spain:Madrid;Sri Lanka:Colombo;Sudan:Khartoum;Suriname:Paramaribo;
Sweden:Stockholm;Switzerland:Bern;Syria:Damascus;Taiwan:Taipei;Tajikistan:Dushanbe;Tanzania:Dodoma;
Thailand:Bangkok;the Bahamas:Nassau;the Gambia:Banjul;the United Arab Emirates:Abu Dhabi;
the United Kingdom:London;the United States:Washington, D.C.;Togo:Lomé;Tonga:Nuku'alofa;Tunisia:Tunis;
Turkey:Ankara;Turkmenistan:Ashgabat;Uganda:Kampala;Ukraine:Kyiv;Uruguay:Montevideo;Uzbekistan:Tashkent;
Vanuatu:Port Vila;Vatican City:Vatican City;Venezuela:Caracas;Vietnam:Hanoi;Yemen:Sana'a;Zambia:Lusaka;
Zimbabwe:Harare"""
COUNTRIES = [tuple(row.strip().split(":")) for row in _TABLE.replace("\n", "").split(";")]

_CAPITAL = ["What is the capital of {c}?", "Capital of {c}?", "What's the capital of {c}?",
            "Which city is the capital of {c}?",
            "Name the capital of {c}.", "What is the capital city of {c}?", "Which city is {c}'s capital?",
            "What is {c}'s capital?",
            "Do you know the capital of {c}?", "the capital of {c}"]
_COUNTRY = ["{k} is the capital of which country?", "Which country has the capital {k}?",
            "What country is {k} the capital of?",
            "Of which country is {k} the capital?", "Which country's capital is {k}?"]


def sentence(country: str, capital: str) -> str:
    stop = "" if capital.endswith(".") else "."
    return f"The capital of {country} is {capital}{stop}"


def capital_question(rng) -> tuple[str, str, str]:
    country, capital = pick(rng, COUNTRIES)
    return pick(rng, _CAPITAL).format(c=country), country, capital


def capitals(rng) -> Talk:
    if rng.random() < 0.75:
        question, country, capital = capital_question(rng)
        answer = sentence(country, capital)
        asked = "capital"
    else:
        country, capital = pick(rng, COUNTRIES)
        question = pick(rng, _COUNTRY).format(k=capital)
        answer = f"{capital.rstrip('.')} is the capital of {country}."
        asked = "country"
    key = f"{asked} {question}"
    question = wording(rng, question, may_lower=True)
    return Talk("capitals", ((question, answer),), key)


TOPICS = ((capitals, 7),)
