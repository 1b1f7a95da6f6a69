"""The classes of the photograph sets, as their authors name them."""


def _list(text: str) -> list[str]:
    """Names with a comma between them, over any number of lines."""
    return " ".join(text.split()).split(", ")


# In the order of the official labels 1 to 102.
FLOWERS = _list(
    """
    pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, moon
    orchid, bird of paradise, monkshood, globe thistle, snapdragon, colt's foot, king protea, spear thistle,
    yellow iris, globe-flower, purple coneflower, peruvian lily, balloon flower, giant white arum lily, fire
    lily, pincushion flower, fritillary, red ginger, grape hyacinth, corn poppy, prince of wales feathers,
    stemless gentian, artichoke, sweet william, carnation, garden phlox, love in the mist, mexican aster, alpine
    sea holly, ruby-lipped cattleya, cape flower, great masterwort, siam tulip, lenten rose, barbeton daisy,
    daffodil, sword lily, poinsettia, bolero deep blue, wallflower, marigold, buttercup, oxeye daisy, common
    dandelion, petunia, wild pansy, primula, sunflower, pelargonium, bishop of llandaff, gaura, geranium, orange
    dahlia, pink-yellow dahlia, cautleya spicata, japanese anemone, black-eyed susan, silverbush, californian
    poppy, osteospermum, spring crocus, bearded iris, windflower, tree poppy, gazania, azalea, water lily, rose,
    thorn apple, morning glory, passion flower, lotus lotus, toad lily, anthurium, frangipani, clematis,
    hibiscus, columbine, desert-rose, tree mallow, magnolia, cyclamen, watercress, canna lily, hippeastrum, bee
    balm, ball moss, foxglove, bougainvillea, camellia, mallow, mexican petunia, bromelia, blanket flower,
    trumpet creeper, blackberry lily
    """
)

# Without Faces and Faces_easy, which are the same people twice. FOREIGN is no class of objects at all.
CALTECH = _list(
    """
    Leopards, Motorbikes, accordion, airplanes, anchor, ant, barrel, bass, beaver, binocular, bonsai, brain,
    brontosaurus, buddha, butterfly, camera, cannon, car_side, ceiling_fan, cellphone, chair, chandelier,
    cougar_body, cougar_face, crab, crayfish, crocodile, crocodile_head, cup, dalmatian, dollar_bill, dolphin,
    dragonfly, electric_guitar, elephant, emu, euphonium, ewer, ferry, flamingo, flamingo_head, garfield,
    gerenuk, gramophone, grand_piano, hawksbill, headphone, hedgehog, helicopter, ibis, inline_skate,
    joshua_tree, kangaroo, ketch, lamp, laptop, llama, lobster, lotus, mandolin, mayfly, menorah, metronome,
    minaret, nautilus, octopus, okapi, pagoda, panda, pigeon, pizza, platypus, pyramid, revolver, rhino,
    rooster, saxophone, schooner, scissors, scorpion, sea_horse, snoopy, soccer_ball, stapler, starfish,
    stegosaurus, stop_sign, strawberry, sunflower, tick, trilobite, umbrella, watch, water_lilly, wheelchair,
    wild_cat, windsor_chair, wrench, yin_yang
    """
)
FOREIGN = "BACKGROUND_Google"

# Coarse class -> its fine classes; a coarse class that is not named here is its own only fine class.
_GROCERY = {
    "Apple": "Golden-Delicious, Granny-Smith, Pink-Lady, Red-Delicious, Royal-Gala",
    "Juice": (
        "Bravo-Apple-Juice, Bravo-Orange-Juice, God-Morgon-Apple-Juice, God-Morgon-Orange-Juice, "
        "God-Morgon-Orange-Red-Grapefruit-Juice, God-Morgon-Red-Grapefruit-Juice, Tropicana-Apple-Juice, "
        "Tropicana-Golden-Grapefruit, Tropicana-Juice-Smooth, Tropicana-Mandarin-Morning"
    ),
    "Melon": "Cantaloupe, Galia-Melon, Honeydew-Melon, Watermelon",
    "Milk": (
        "Arla-Ecological-Medium-Fat-Milk, Arla-Lactose-Medium-Fat-Milk, Arla-Medium-Fat-Milk, Arla-Standard-Milk, "
        "Garant-Ecological-Medium-Fat-Milk, Garant-Ecological-Standard-Milk"
    ),
    "Mushroom": "Brown-Cap-Mushroom",
    "Oat-Milk": "Oatly-Oat-Milk",
    "Oatghurt": "Oatly-Natural-Oatghurt",
    "Onion": "Yellow-Onion",
    "Pear": "Anjou, Conference, Kaiser",
    "Pepper": "Green-Bell-Pepper, Orange-Bell-Pepper, Red-Bell-Pepper, Yellow-Bell-Pepper",
    "Potato": "Floury-Potato, Solid-Potato, Sweet-Potato",
    "Sour-Cream": "Arla-Ecological-Sour-Cream, Arla-Sour-Cream",
    "Sour-Milk": "Arla-Sour-Milk",
    "Soy-Milk": "Alpro-Fresh-Soy-Milk, Alpro-Shelf-Soy-Milk",
    "Soyghurt": "Alpro-Blueberry-Soyghurt, Alpro-Vanilla-Soyghurt",
    "Tomato": "Beef-Tomato, Regular-Tomato, Vine-Tomato",
    "Yoghurt": (
        "Arla-Mild-Vanilla-Yoghurt, Arla-Natural-Mild-Low-Fat-Yoghurt, Arla-Natural-Yoghurt, "
        "Valio-Vanilla-Yoghurt, Yoggi-Strawberry-Yoghurt, Yoggi-Vanilla-Yoghurt"
    ),
}
_ALONE = _list(
    """
    Asparagus, Aubergine, Avocado, Banana, Cabbage, Carrots, Cucumber, Garlic, Ginger, Kiwi, Leek, Lemon, Lime,
    Mango, Nectarine, Orange, Papaya, Passion-Fruit, Peach, Pineapple, Plum, Pomegranate, Red-Beet,
    Red-Grapefruit, Satsumas, Zucchini
    """
)
GROCERY = {coarse: [coarse] for coarse in _ALONE} | {coarse: _list(fine) for coarse, fine in _GROCERY.items()}
