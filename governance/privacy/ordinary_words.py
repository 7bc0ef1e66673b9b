"""Names that are words of a language as well: on their own they count as a name in some places of a sentence alone.

Kept in the folded form that ``governance.privacy.known_people`` compares: small letters without accents.
"""

# In ordinary speech these are written small, so that a capital inside a sentence makes them a name.
WRITTEN_SMALL = frozenset(
    """
    able alt amber amor angel archer arm arrow art ash august autumn baker ball banks barber basil bay beach
    bear bell belle bench berry best bill bird bishop blanc bliss bloom blue blunt bold bon bond booth boss
    bough bowl boy brand braun brave bread brewer bright brook brown buck bud bugle bull bunt bush butler
    buttons calf camp can candy cannon carol carpenter carter case cash castle cerf chance chandler chase cherry
    chuck church clark clay cliff close cloud coach cold cole comfort cook cooper coral cotton crane crew crisp
    cross crow cruz crystal curt dale dash dawn day deal dean dear deep dish don dove drake drew drum duck duke
    dulce dusty earl early east ebony ernst esperanza eve fair fairy faith falk farmer favor feather fern field
    fields fife finch finder fine fish fisher fleet fleur flint flora flores flower food ford forest forester
    fortune foster fox franc france frank free frei french friend frisch froh frohlich frost gale game garden
    gardener gate gay gene genius gentle gentry gift gilt glad glass gold golden good goose gore grace gracia
    grand grant gray green grey gros gross grove grun guerra gun gut guy hahn hall hand hands happy hardy hare
    harmony harper hart haven hawk hazel head heart heath heil hell heller herb hero hill hind hobby hoch
    holiday holland holt honey honor hood hook hope horn hot house howl hunt hunter ice iris iron island ivory
    ivy jet jewel job jolie jolly joy judge jump june just juste justice kahl kale kalt kettle key keys kid kind
    king kit kite klar klein klug knight kurz lad lake lamb land lane lang lange lark late laurel law lawn lay
    lead leaf lemon lent lieb lieu light lion little lock long lord lore lot love low luck lucky luz mace major
    maker man manor maple march marine mark marks marsh marshal marshall mason mast master maxim may mead meadow
    meek mercy merit merry mile miles mill miller mills mine minor mint miracle mist misty moat mole monk moody
    moon moor moore mora moral more morn mut myth nail neat nest neu new nice noble noon norm north oak ocean
    olive opal orange over paddy page pansy parish park pat patience paul paz pea peace peach pear pearl peg
    penny pepper petit pierce pike pilar pine piper plum pole pond poor pope poppy porter post potter power
    powers precious price pride prieto prince prior prudence prune purse quick quill quince rain rainbow ramp
    ranger rau raven ray red reed reeve reeves reich rein reina rice rich rico river rivers rob robin rock rocky
    rod rojo roman room rosa rose rosy roth rousse roux rove row rowan royal rue rund rush rust rusty sad sage
    sail sailor salmon salt sand sandy sank savage saw scarlet schick schnell scholar schon schwarz scott sea
    season serene shade shadow sharp shaw shell shepherd sherry shore short silver singer skip sky slate slow
    small smart smith snow sol soledad song sorrow south sparrow spear spring spruce star stark starling stern
    steward still stock stolz stone storm stout strange strong sue sugar summer summers sun sunny swan sweet
    swift tab tail teal temple thorn thyme tiger till tiny tops town trace trade travel tree treu trinity trip
    trout true truth tuck tucker turner twin ty tyre unity usher vale van vance victoire victory von wade wahl
    wahr walker wall waller ward warden ware warm warner water waters way weaver web weber weich weiss weit
    wells wenig west wheat wheeler white wick wild will willow wills win wind wine wing winter winters wise wish
    wit wohl wolf wood woods worth wren wright yale yard young zart zen
    """.split()  # noqa: SIM905 - a list of words is read as lines
)
# These are often written with a capital: months and days, places, and nouns of German. A form of address before them,
# or the rest of the person's name beside them, makes them a name.
WRITTEN_LARGE = frozenset(
    """
    amsel anker april asia august bach bader bank bauer baum beck becker berg berger berlin binder blum boden
    bogen brand brauer brooklyn brunnen brunner busch china christmas cuba dachs dallas decker denver drechsler
    easter eder egypt ehre eiche eis engel england ernte essex europe fass feld fels fink fischer flecken
    fleischer forster france freude freund friday friede fuchs furst gartner geist geneva genoa gerber german
    germany glaser graf grube haas hamburg hammer hase heide heim held herr herz himmel hirsch hirt hof hoffnung
    holland holz horn houston hut india ireland israel italy jager jersey june kaiser kamm kammer kenya kern
    kirch kirsch klinge knecht koch kohl kohler konig kopf korn kraft kranz kreis kreuz kunst lamm laub lehrer
    lerche linde london lowe luft lyon madrid maler march markt marz maurer maus may mehl mensch metzger milan
    monat mond monday morgen munich mut nacht nagel nebel nevada ochs odessa oslo otter palm paris persia
    pfeffer pfeiffer pfeil pfluger phoenix pilz poland probst rabe rat rebe regen reiter richter riese ritter
    roma rome rose ross rost russia sack sager salem sand saturday sauer schafer schatz schiff schild schlosser
    schneider schreiber schreiner schuh schuster schutz scotland see seiler silber sommer sonne sonntag spain
    spatz specht spiegel stadt stahl star stein stern stock storch strauss strom sunday tag taler tau tennessee
    teufel texas thursday tisch tischler topfer toulouse traub trommler tuesday turin ufer uhr venice vienna
    vogel vogt wald wales washington wasser wednesday weg weide wein weiss welt wiese winkler winter wirt wolf
    wolff wolke wurm wurst york zander zeit zeller ziegler zimmer zimmerman zimmermann zurich
    """.split()  # noqa: SIM905 - a list of words is read as lines
)
# What directories put in the place of a name: "Test User 12", "Sales Team".
PLACEHOLDERS = frozenset(
    """
    account accounts admin administrator agent analyst bot coach company customer default demo department dummy employee
    example external group guest internal learner learners lead manager member name none null office people person pilot
    rep sales sample seller service shared staff student support system team temp test tester trainer trainee training
    unknown user users vendor
    """.split()  # noqa: SIM905 - a list of words is read as lines
)
# Before a name, in any of the languages spoken; folded.
TITLES = frozenset(
    """
    mr mrs ms miss mx mister dr doctor prof professor sir madam herr herrn frau fraulein doktor monsieur madame
    mademoiselle mme mlle senor senora senorita sr sra srta don dona signor signora signorina sig meneer mevrouw
    pan pani dhr mevr
    """.split()  # noqa: SIM905 - a list of words is read as lines
)
# Parts of names that are no name by themselves.
PARTICLES = frozenset(
    """
    mr mrs ms miss dr prof sir jr sr ii iii iv phd md msc mba von van der den de del della di da do dos das du
    des la le el los las al bin ibn ben bint zu zum zur af av ter ten und and och y e st saint san santa
    """.split()  # noqa: SIM905 - a list of words is read as lines
)
