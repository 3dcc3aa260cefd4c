"""The first samples of every catalogued system, to the bit.

A user who upgrades gets the same trajectories. A digest here may change in two ways only, and each needs a line in CHANGELOG.md that
names the systems and says why: the entry's own equations, parameters or initial state were wrong; or the engine's arithmetic changed on
purpose (another order, another order of a sum, a better function). Nothing else may change one: not speed, lanes, batches, instruction
sets, machines or versions of libraries, since the kernels use no operation that these may round differently, elementary functions
included. One digest holds everywhere.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import attractory
from attractory import catalog
from attractory.integrate import BlockSettings, SampleGrid, integrate_block

SAMPLES = 1000
# SHA-256, first 16 digits, of 1,000 samples from the catalogued state in float64: 100 a period, tolerance 1e-14; maps: each iterate.
PINS: dict[str, str] = {
    "Aizawa": "11f96a36e43a6ee2",
    "AnishchenkoAstakhov": "04f5096c0f7c3eef",
    "Antidots": "77a5865c780ee75f",
    "Arneodo": "321be7bfc1372a56",
    "ArnoldBeltramiChildress": "b3750b8cf7b0d65c",
    "ArnoldCat": "d0693690f5a36c3f",
    "ArnoldWeb": "4610b98c63f328de",
    "AtmosphericRegime": "87f0349a4971a478",
    "Baker": "f90d8cdf3db702f3",
    "BeerRNN": "de0dd449f1331e0c",
    "BelousovZhabotinsky": "e377bdf03ae64fd0",
    "Blasius": "dc37e06b904e227b",
    "BlinkingVortex": "6d9f26b9ebac852e",
    "Bogdanov": "08568b9800e40bba",
    "Bouali": "7215bddc37fec987",
    "Bouali2": "45a0ce00ce750db4",
    "Brusselator": "60571e9694188a8f",
    "BurgersMap": "759f2a9751ffc9cb",
    "BurkeShaw": "03f90304437e7f9c",
    "CaTwoPlus": "c3431f70b57f4892",
    "CaTwoPlusQuasiperiodic": "b2a11891fa14c34c",
    "CalciumSpikes": "10a596a537369247",
    "CellCycle": "959f3f5ba77cd60a",
    "CellularNeuralNetwork": "27bb769eb3549c25",
    "ChaoticWeb": "095be5a676ba04ac",
    "Chebyshev": "9f06052b601c9bb6",
    "Chen": "92e354a06039ac54",
    "ChenLee": "aa7f961b4ba88b77",
    "Chirikov": "76583f3fbeddb457",
    "ChlouverakisSprott": "1190588c5ea0e19a",
    "Chua": "e2a91da67e20d2f1",
    "CircadianRhythm": "8d627498801db70a",
    "Circle": "ca7a82f82b472261",
    "CoevolvingPredatorPrey": "b09615672a9ec2d9",
    "Colpitts": "5d7d179b84ecceae",
    "CompetitiveLotkaVolterra": "a81ab8dff1879bfb",
    "ComplexButterfly": "d2dcfa15ee5ada12",
    "ComplexLorenz": "da4ea1b9d522c1a7",
    "Contopoulos": "de4f85405c6aab57",
    "Coullet": "8f92eb899d41bdca",
    "CubicMap": "8854958a947b7a66",
    "Dadras": "26ca60b57794fae8",
    "Daisyworld": "4e704ecc8dd689d9",
    "DeJong": "b1aa5d283934f0d5",
    "DelayedLogistic": "0a1d3dc5f240fec7",
    "DequanLi": "c801a58eb216b7b1",
    "DiffusionlessLorenz": "6af42d76ac618d13",
    "DissipativeStandard": "0b9da564dcb0c49d",
    "DoubleGyre": "b7aad37a2deb1841",
    "DoublePendulum": "df6bac95f243628a",
    "DrivenPendulum": "a217fa671879344b",
    "DrosophilaPeriod": "d5972ae7091d0618",
    "Duffing": "47487f7420f6ae6a",
    "DuffingMap": "d198ac245a4308a7",
    "DuffingUnforced": "349fbcb2e0a90a34",
    "EggCrate": "aa27f5e6d6cb7fe7",
    "EndemicSIR": "eedc2fd127f16236",
    "EulerTop": "43e6f09a946b44d5",
    "ExcitableCell": "a7abbcc5853ac140",
    "FermiPastaUlamAlpha": "25067bbb8668c38f",
    "FermiPastaUlamBeta": "a919d60c458fcc80",
    "Finance": "349755246df0abc6",
    "FitzHughNagumo": "129350a1d210ab85",
    "FoldedTowel": "c197926a4a5b01ae",
    "ForcedBrusselator": "718c6911c5bba00e",
    "ForcedChemostat": "13026c64ba8f44d3",
    "ForcedFitzHughNagumo": "1726821b76fc34ed",
    "ForcedVanDerPol": "036958c31137c28f",
    "FrenchDeGroot": "8d5b1f7ec5176252",
    "Gauss": "3a1bbdee4858a12e",
    "GeneralizedHenon": "c2e68f9e616ffb8b",
    "GenesioTesi": "e19f0b6a1837ca14",
    "Gilpin": "1194224d66f19245",
    "Gingerbreadman": "a1ab84e165c3700e",
    "Gissinger": "883845d032bc74eb",
    "GlycolyticOscillation": "4a633ada038fb193",
    "GoodwinGrowthCycle": "4f46099815085547",
    "GoodwinOscillator": "12ec118ca23aa9f4",
    "GuckenheimerHolmes": "b780596333fe21bf",
    "GumowskiMira": "a85f317431d166a4",
    "Hadley": "7d2442d60fb74358",
    "Halvorsen": "a39cfeceb947ccbc",
    "HastingsPowell": "30d6ff68e346113e",
    "Henon": "ece47012e12b6b11",
    "HenonAreaPreserving": "5f3bc16ed391594b",
    "HenonHeiles": "a04fbbef7676deb1",
    "HindmarshRose": "fdbad070d1c42822",
    "HodgkinHuxley": "3ffdfa343f82335c",
    "Hopalong": "f698ff6cee8d8c5c",
    "Hopfield": "5bd2de35fbaefab6",
    "HyperBao": "e66014f15ddb5d6b",
    "HyperCai": "6400e5b2bfae70c6",
    "HyperJha": "0747f2399a8ac98a",
    "HyperLorenz": "83f2b4d024cdf66f",
    "HyperLu": "9cfe2432af13f2ed",
    "HyperPang": "18bf58bc45a79d69",
    "HyperQi": "83b4d067ebb853f0",
    "HyperRossler": "dc2704daab3ee8da",
    "HyperWang": "0d21f13cccf72585",
    "HyperXu": "6a61d30d91e17f9d",
    "HyperYan": "211eaa3a6c79788c",
    "HyperYangChen": "fb20789ffc2e4cce",
    "Hyperlabyrinth": "b217bc6dbe3de85a",
    "Ikeda": "0c6d74d41787788e",
    "IkedaDelay": "20e0eb338199bb36",
    "IsothermalChemical": "41c072dfb55277d1",
    "ItikBanksTumor": "7a77c1fadcf8af7c",
    "JansenRit": "eea8b80011d3853c",
    "JerkCircuit": "85139cfaf6b86822",
    "KapitzaPendulum": "1797a5990f0d9602",
    "KaplanYorke": "c5c08870d856294a",
    "KawczynskiStrizhak": "e00b4d902d5c252d",
    "KovalevskayaTop": "24459b5c24fe77fe",
    "Kuramoto": "13ed6ad97978adfb",
    "KuramotoRing": "6f86eb78d109ab40",
    "Labyrinth": "0f07748d44f3211d",
    "Laser": "5c9130aefa2a88a9",
    "LearningGame": "e596e610ce86f2d5",
    "LengyelEpstein": "ff056d03de3906b7",
    "LinzSprott": "032c3deff42584ad",
    "Logistic": "58ba87f23b7b5752",
    "Lorenz": "cfd61bc9c49b1363",
    "Lorenz84": "e151ed019a7dce94",
    "Lorenz96": "32df1dd463d40293",
    "Lorenz96TwoLevel": "ea5b3fc892159883",
    "LorenzBounded": "2f23258271e7394e",
    "LorenzCoupled": "c5de4f2f5fb907f7",
    "LorenzMap": "6c99e306b9fc334f",
    "LorenzStenflo": "729f8e18bf03c87d",
    "LotkaVolterra": "791e11da3b00711a",
    "Lozi": "e851a94b30f9bddf",
    "LuChen": "26f133ebec862a9f",
    "LuChenCheng": "0937f078754fd467",
    "MaaschSaltzman": "78acd36200599442",
    "MacArthur": "0d01687e09e98984",
    "MackeyGlass": "9747b5f46ec01f19",
    "MagneticPendulum": "21163eef8a14ce05",
    "Malasoma": "f184f21d390f23df",
    "MayLeonard": "a0a1c574d29ef1e1",
    "MaynardSmith": "0d5d5c1701fcb32a",
    "MitoticOscillator": "d592c067965984c6",
    "ModulatedLaser": "ea215e4053329910",
    "MooreSpiegel": "2282001e3fc48bd8",
    "MorrisLecar": "3106897d96b275c2",
    "MultiChua": "3b2db5af4fe50432",
    "MuthuswamyChua": "fe8f3fb20a3a6c58",
    "NesterovFlow": "df8efa79a226d0e9",
    "NewtonLiepnik": "824b12959c4423c5",
    "NoseHoover": "1ad9c1f22397508c",
    "NoseHooverChain": "6d24f8812d8461fc",
    "NuclearQuadrupole": "8a84e16314515cf9",
    "Oregonator": "504b3452c7a708bc",
    "OscillatingFlow": "9b682f1c3718009a",
    "PanXuZhou": "f35aeb5f379f1e48",
    "PehlivanWei": "9df5729da4d93cc1",
    "Phi4Lattice": "3188d95c47240902",
    "Pickover": "78f915ea50ffb828",
    "PiecewiseCircuit": "f35e25b4fc79f499",
    "Pinchers": "9f1e3791a2dcf2b3",
    "PredatorPreyMap": "bedbb9d718819ec6",
    "PullenEdmonds": "e68a82c63054f29b",
    "Qi": "b1d68892b2870775",
    "QiChen": "cb386d4e095413e9",
    "RabinovichFabrikant": "5a76df415e6ad930",
    "Rayleigh": "67db883bb5a57d34",
    "RayleighBenard": "d3580d7dca7409a6",
    "RechargeOscillator": "f23383f36fcc78e2",
    "Repressilator": "b31bb7d7e47aa32d",
    "RestrictedThreeBody": "4eee999541806437",
    "Ricker": "3cdabb3ad19c9e24",
    "RikitakeDynamo": "5ca262d6ca8565dd",
    "RockPaperScissors": "56fea1feeba0a17e",
    "RosenzweigMacArthur": "7de6ee7e6daff0e0",
    "Rossler": "e2560796c582128c",
    "RosslerCoupled": "54f983ba435e0a1a",
    "RosslerRing": "7e2ab0b55bdf0f1a",
    "Rucklidge": "46426ae2552c58cf",
    "Sakarya": "e7eb00676cf441d8",
    "SaltonSea": "5ccd008f4eeb0db8",
    "SanUmSrisuchinwong": "29d7e0687ef6af74",
    "Schnakenberg": "24df1a7a6b81aefd",
    "ScrollDelay": "ab1924b5c86ce670",
    "SeasonalSEIR": "e911bdc7df5f20a5",
    "Selkov": "a94783504a99c569",
    "ShimizuMorioka": "9c54567e13c43ae0",
    "Shinriki": "81786047129f4bde",
    "SimplestDriven": "73b19138e1abd68b",
    "SinaiMap": "ba59eb04c668fc8c",
    "SineMap": "3f1271f901a6ddf2",
    "SpringPendulum": "6aa1e70265c73cc6",
    "SprottA": "d314a7fa8b473974",
    "SprottB": "d1b2576bf48bc1e9",
    "SprottC": "b5c070531db026f2",
    "SprottD": "a4691bed303bc67c",
    "SprottDelay": "03388b78dd5408e4",
    "SprottE": "cd748185c745a46f",
    "SprottF": "59f71b3427e41b85",
    "SprottG": "bf02e508ecb58846",
    "SprottH": "0d573b448224311b",
    "SprottI": "354b6db7ad818852",
    "SprottJ": "826d9cb73703fb3f",
    "SprottJerk": "d71e9ae0e8ddedcd",
    "SprottK": "148c50a24d815eac",
    "SprottL": "0afbe441fee6faff",
    "SprottM": "3d90877972f2006b",
    "SprottMore": "65935cbe5253a588",
    "SprottN": "cbdc8a9861916d18",
    "SprottO": "b178ad03c92ce314",
    "SprottP": "a4861fee146bbc57",
    "SprottQ": "450e8293d8876a9c",
    "SprottR": "4782f36bbd4ba77a",
    "SprottRectifier": "d0ad0c6b3a84cf95",
    "SprottS": "da694a2a1b2af0b7",
    "SprottSignum": "b967f8d58d710893",
    "SprottTorus": "d118d09848397754",
    "StommelBoxes": "aad587a7661f6ed1",
    "StuartLandau": "595d1622edc7b809",
    "Svensson": "6f498cf0a5ad0e30",
    "SwingingAtwood": "df58624936e63721",
    "Tent": "2f5e9f191794851b",
    "Thomas": "be262a7eb78748d7",
    "ThomasLabyrinth": "c9b04f591423cfac",
    "ThreeBody": "9df076f7beafdb02",
    "Tinkerbell": "5962b35c7affb007",
    "TodaLattice": "7f5be4c03732cd86",
    "ToggleSwitch": "ff20a31f76e9d6cf",
    "Torus": "74390522ed761475",
    "Tsucs2": "0fa64030d89bb577",
    "TurchinHanski": "9da125860402b836",
    "TysonCellCycle": "0c1136e99c175dc7",
    "Ueda": "69670692674dc4a4",
    "VallisElNino": "4460b0af57b7e167",
    "VanDerPol": "adf64ef9962ac084",
    "VilniusOscillator": "934883b342678e6a",
    "VossDelay": "bd3a9a846f819181",
    "WangChen": "0a49b7b28c6f9119",
    "WangSun": "e5b2792c25ee96a0",
    "WillamowskiRossler": "d73fdf5f6f5d585f",
    "WilsonCowan": "b76e2f09d9ea2135",
    "Windmi": "13f957c1bf21dee9",
    "WindmiReduced": "6ac08f1d832fddf6",
    "YuWang": "2bbdb9acf295458f",
    "YuWang2": "de03950a51e3331a",
    "Zaslavskii": "7e9f027d8ea28c75",
    "ZhouChen": "703458dd24a46242",
}  # fmt: skip
# The same of three drawn trajectories in float32 at 15 samples a period, after 5 periods of transient: the draws are pinned too.
DRAWN = {"Lorenz": "b16f287c8912a8cf", "HenonHeiles": "118a778b1ab6fa09", "Henon": "65820e27779e4c06"}


def pinned(values: np.ndarray) -> str:
    """The digest of little-endian values in the order (trajectory, time, variable)."""
    plain = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return hashlib.sha256(plain.tobytes()).hexdigest()[:16]


def from_the_catalogued_state(name: str) -> str:
    """The digest that `PINS` holds."""
    system = attractory.system(name)
    length = {"samples": SAMPLES} if system.kind == "map" else {"samples": SAMPLES, "samples_per_period": 100}
    made = attractory.integrate(system, initial=system.initial, tolerance=1e-14, **length)
    assert made.status.values.tolist() == [0]
    return pinned(made.state.values)


def from_draws(name: str) -> str:
    """The digest that `DRAWN` holds."""
    system = attractory.system(name)
    dt, transient = (1.0, 100.0) if system.period is None else (system.period / 15, 5 * system.period)
    settings = BlockSettings(seed=1, transient=transient, tolerance=1e-14, dtype="float32")
    return pinned(integrate_block(system, indices=[0, 1, 7], grids=[SampleGrid(dt, 100)], settings=settings).states[0])


def test_every_catalogued_system_is_pinned() -> None:
    """A new entry brings its pin."""
    assert list(PINS) == list(catalog.read_catalog())


@pytest.mark.parametrize("name", list(PINS))
def test_first_samples_are_what_they_were(name: str) -> None:
    """See the module's text for what may change one."""
    assert from_the_catalogued_state(name) == PINS[name]


@pytest.mark.parametrize("name", list(DRAWN))
def test_drawn_trajectories_are_what_they_were(name: str) -> None:
    """Random numbers, transient and single precision included."""
    assert from_draws(name) == DRAWN[name]
