"""The words that synthetic lines are composed of."""


def _words(text: str, separator: str | None = None) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(separator))


MONTHS = _words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
LONG_MONTHS = _words(
    "January February March April May June July August September October November December"
)
WEEKDAYS = _words("Mon Tue Wed Thu Fri Sat Sun")
CURRENCIES = _words("$ $ $ RM RM USD EUR GBP CHF SGD Rs.")
UNITS = _words("kg g ml L pcs pkt box btl can cm mm m set pair")

FIELDS = _words(
    """
    Total, Subtotal, Sub Total, Tax, GST, VAT, Cash, Change, Amount, Balance, Discount, Rounding,
    Net, Due, Paid, Grand Total, Card, Deposit, Service, Tip, Qty, Price, Invoice, Receipt, Order,
    Ref, Table, Cashier, Member, Date, Time, Tel, Fax, Page, Item, Bill, Visa, Points, Counter,
    Batch, Trace, Auth, Room, Seat, Gate, Flight, Lot, Unit, Code, Account
    """,
    ",",
)

NOUNS = _words(
    """
    Apple Bacon Bagel Banana Battery Beans Beef Biscuit Blanket Board Book Bottle Bowl Box Bracket
    Bread Broom Brush Bucket Bulb Burger Butter Cable Cake Camera Candle Candy Carrot Cereal Chair
    Charger Cheese Chicken Chilli Chips Chisel Chocolate Clamp Clip Clock Cloth Coffee Cookie Cord
    Corn Cotton Cream Cup Curry Curtain Cushion Drill Duck Egg Eraser Fan Filter Fish Flour Folder
    Fork Frame Fruit Garlic Ginger Glass Gloves Glue Grape Ham Hammer Handle Hinge Honey Hook Hose
    Ink Jacket Jam Jar Juice Kettle Key Kiwi Knife Label Ladder Lamb Lamp Latte Lemon Lens Lettuce
    Light Lime Lock Lunch Mango Marker Mask Mat Melon Milk Mirror Mocha Mop Mouse Muffin Mug
    Mushroom Nail Napkin Needle Noodle Notebook Nut Oats Oil Olive Onion Orange Oven Paint Pan
    Paper Pasta Peach Pear Peas Pen Pencil Pepper Phone Pickle Pie Pillow Pin Pipe Pizza Plate
    Plug Pork Potato Prawn Printer Pump Quilt Radio Raisin Rice Ring Roll Rope Rug Ruler Salad
    Salmon Salt Sauce Saw Scissors Screw Shampoo Sheet Shelf Shirt Shoe Soap Socks Soda Soup Spice
    Sponge Spoon Squash Stamp Stapler Steak Stool Sugar Switch Syrup Table Tape Tea Thread Tile
    Tissue Toast Tofu Tomato Tongs Tool Towel Tray Tuna Valve Vase Vinegar Waffle Wallet Washer
    Water Wax Wheat Wheel Wire Wood Wool Wrap Yogurt Zip
    """
)

ADJECTIVES = _words(
    """
    Baked Big Black Blue Bold Brown Classic Clear Cold Crispy Dark Deluxe Double Dried Dry Extra
    Fine Flat Fresh Fried Frozen Golden Gray Green Grilled Heavy Hot Iced Jumbo Large Light Long
    Mild Mini Mixed New Organic Pink Plain Premium Pure Quick Red Round Salted Sharp Short Silver
    Single Slim Small Smoked Soft Sour Spicy Square Strong Super Sweet Thick Thin Triple Vegan
    Warm White Whole Wide Yellow Young
    """
)

NAMES = _words(
    """
    Adams Ali Anderson Aziz Baker Bell Bennett Brooks Carter Chan Chong Clark Cooper Cruz Davis
    Dixon Edwards Evans Faruk Fisher Flores Foster Garcia Gomez Grant Gray Green Hall Harris
    Hassan Hughes Hunter Ibrahim Ito Jackson James Jenkins Jones Kaur Kelly Khan Kim Kumar Lee
    Lewis Lim Lopez Martin Mason Miller Mohamed Morgan Murphy Nair Nelson Nguyen Novak Owens Park
    Parker Patel Perez Quinn Rahman Reed Reyes Rivera Roberts Rossi Russell Sato Schmidt Scott
    Shah Silva Singh Smith Suzuki Tan Taylor Thomas Turner Vargas Wagner Walker Wang Watson White
    Wilson Wong Wright Yamada Young Zhang Zimmer
    """
)
FIRST_NAMES = _words(
    """
    Ahmad Alice Amir Anna Ben Carlos Chloe Daniel Diana Elena Emma Eric Fatima Felix Grace Hana
    Hugo Ines Ivan Jack Jane Jorge Julia Kate Kevin Laura Leo Lily Lucas Maria Max Mei Mia Nadia
    Nina Noah Olga Omar Oscar Paul Petra Priya Rosa Ryan Sam Sara Siti Sofia Tom Uma Vera Victor
    Wei Yuki Zoe
    """
)
STREETS = _words("Road Street Lane Avenue Drive Park Square Hill Court Way")
COMPANIES = _words(
    "Ltd, Inc., Co., GmbH, & Sons, Sdn Bhd, Trading, Market, Cafe, Store, Hardware", ","
)

PHRASES = _words(
    """
    Thank you, Please come again, Goods sold, Not refundable, Have a nice day, Take away, Dine in,
    Open daily, Tax invoice, Cash bill, Official receipt, Customer copy, Merchant copy, See you,
    Free gift, Best before, Keep refrigerated, Made in, Store in a cool place, No exchange,
    Powered by, Visit us at, Terms apply, Valid until, Sold by, Served by, Approved, Guest,
    Happy hour, Net weight, Item count, Change due, Amount due, Balance due, Total sales
    """,
    ",",
)
