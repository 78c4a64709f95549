"""What fictional companies are called, where they are and what they do. Reordering a list changes every company."""

FAMILIES = (
    "Applewhistle", "Barnacle", "Bumblethorpe", "Buttonwood", "Candlewick", "Cloudberry", "Cobblepot", "Dandelion",
    "Dillydally", "Drizzlewood", "Featherbed", "Fiddlestick", "Fogbottom", "Gingersnap", "Gooseberry", "Hazelnook",
    "Honeydew", "Hopscotch", "Hullabaloo", "Inkwell", "Jellybean", "Kettledrum", "Larkspur", "Lollygag",
    "Marmalade", "Merrywether", "Moonbeam", "Mossbeard", "Nettlewink", "Nutmeg", "Otterpuddle", "Periwinkle",
    "Pumpernickel", "Quillfeather", "Rumblebee", "Snickerdoodle", "Thistledown", "Tumbleweed", "Umberwick", "Whimsey",
)  # fmt: skip
"""First part of a company's name; 40 of them."""

TRADES = {
    "Baking": ("Biscuit Works", "Crumpet Company", "Pie Makers", "Scone & Sons", "Waffle House"),
    "Beekeeping": ("Apiaries", "Beeswax Candles", "Hive Builders", "Honey Traders", "Mead Hall"),
    "Boatbuilding": ("Barge Yard", "Canoe Works", "Dinghy Builders", "Oars & Paddles", "Raft Company"),
    "Clockmaking": ("Clockworks", "Cuckoo Clocks", "Hourglass Company", "Pendulums", "Sundial Fitters"),
    "Gardening": ("Garden Gnomes", "Hedge Trimmers", "Orchards", "Seed Merchants", "Topiary"),
    "Kite making": ("Kite Works", "Ribbon & Reel", "Stunt Kites", "Tail Weavers", "Wind Testers"),
    "Lighthouse keeping": ("Beacon Keepers", "Foghorns", "Lamp Polishers", "Lens Grinders", "Lighthouses"),
    "Music boxes": ("Barrel Organs", "Chime Tuners", "Lullaby Company", "Music Boxes", "Tin Drums"),
    "Teapots": ("Cosy Knitters", "Teapot Company", "Teapot Repairs", "Teaspoon Makers", "Trivets & Trays"),
    "Umbrellas": ("Brolly Works", "Parasols", "Puddle Pumps", "Raincoat Tailors", "Umbrella Handles"),
}
"""Industry to the second part of a company's name; ten industries with five trades each."""

TOWNS = (
    "Biscuit-on-Sea", "Custard Cross", "Dozing-under-Quilt", "Great Muddle", "Little Muddle", "Lower Teasing",
    "Marrowfat Magna", "Noodle Parva", "Picnic St Agatha", "Port Pudding", "Puddlewick", "Sleepy Hatch",
    "Snoring Green", "Sprocketford", "Tiddlywick", "Toffeebridge", "Upper Teasing", "Wobbleton",
)  # fmt: skip
"""Where a company has its office."""
