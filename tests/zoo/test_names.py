"""Models by every spelling of the name that a paper prints."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsrnas import zoo
from wsrnas.errors import InputError
from wsrnas.zoo.names import spelling


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("WRN-34-10", "wrn-34-10"),
        ("Wide ResNet-34-10", "wrn-34-10"),
        ("WRN-34-R", "wrn-34-r"),
        ("ResNet-18", "resnet-18"),
        ("ResNet50", "resnet-50"),
        ("ResNet50 (ImageNet)", "resnet-50-imagenet"),
        ("AmoebaNet", "amoebanet"),
        ("AmobaNet", "amoebanet"),
        ("PVLL-NAS", "pvll"),
        ("NAS-Net", "nas-net"),
        ("NASNet", "nas-net"),
        ("DARTS", "darts"),
        ("DARTS (first order)", "darts"),
        ("RobNet-S", "robnet-s"),
        ("robnet_medium", "robnet-m"),
        ("RobNet-large", "robnet-l"),
        ("RobNet_large_v1", "robnet-l"),
        ("RACL*", "racl"),
        ("AdvRush", "advrush"),
        ("AdvRush¹", "advrush"),
        ("E2R-NAS", "e2r-nas"),
        ("E²R-NAS", "e2r-nas"),
        ("E2RNAS†", "e2r-nas"),
        ("NAS-OoD", "nas-ood"),
        ("WsrNet-Naive-1", "wsrnet-naive-1"),
        ("WsrNet-Naive-11", "wsrnet-naive-11"),
        ("WsrNet-Basic", "wsrnet-basic"),
        ("wsrnet_basic", "wsrnet-basic"),
        ("WsrNet Basic", "wsrnet-basic"),
        ("WsrNet−Basic", "wsrnet-basic"),
        ("MsrNet-Basic", "wsrnet-basic"),
        ("cna_r", "wsrnet-basic"),
        ("WSRNET-ROBUST", "wsrnet-robust"),
        ("WsrNet-Plus", "wsrnet-plus"),
        ("WsrNet⁺", "wsrnet-plus"),
        ("WsrNet+", "wsrnet-plus"),
        ("WsrNet-R⁻", "wsrnet-r-minus"),
        ("MetaQNN", "metaqnn"),
        ("RobNet", "robnet"),
        ("CRoZe", "croze"),
        ("TRNAS_c10", "trnas"),
        ("TRNAS_imagenet", "trnas-imagenet-cell"),
        ("REP_PGD", "rep"),
        ("RNTK", "zcprob"),
        ("ZCPRob", "zcprob"),
        ("LRNAS", "lrnas"),
        ("RobustResNet-A1", "robustresnet-a1"),
        ("RRN-A1", "robustresnet-a1"),
    ],
)
def test_a_printed_name_finds_its_card(printed, name):
    assert zoo.find(printed) == name
    assert zoo.knows(printed)
    assert zoo.card(printed) is zoo.card(name)


def test_no_two_models_share_a_spelling():
    spellings = [{spelling(n) for n in (name, zoo.card(name).title, *zoo.card(name).aliases)} for name in CARDS]
    assert sum(map(len, spellings)) == len(set().union(*spellings))


CARDS = zoo.list_models()


@given(st.sampled_from(CARDS), st.data())
def test_case_hyphens_spaces_and_underscores_do_not_count(name, data):
    title = data.draw(st.sampled_from((name, zoo.card(name).title, *zoo.card(name).aliases)))
    separators = st.sampled_from(("-", "_", " ", "", "–", " - "))
    shown = "".join(
        data.draw(separators) if letter in "-_ " else data.draw(st.sampled_from((letter.upper(), letter.lower())))
        for letter in title
    )
    assert zoo.find(shown) == name


@given(st.text(string.printable, max_size=30))
def test_any_text_is_a_model_or_refused(text):
    if zoo.knows(text):
        assert zoo.find(text) in CARDS
    else:
        with pytest.raises(InputError, match=r"^--arch: expected something, got "):
            zoo.find(text, argument="--arch", expected="something")


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ("advrsh", "did you mean 'advrush'"),
        ("WsrNet-Basik", "did you mean 'wsrnet-basic'"),
        ("RobNet-larg", "did you mean 'robnet-l'"),
        ("wrn-34-11", "did you mean 'wrn-34-10'"),
        ("qqqq", "`wsrnas zoo list` shows them all"),
        ("", "`wsrnas zoo list` shows them all"),
    ],
)
def test_a_misspelt_name_gets_the_nearest(wrong, remedy):
    with pytest.raises(InputError, match=remedy):
        zoo.card(wrong)


def test_names_are_listed_by_pattern():
    assert zoo.list_models("wrn-*") == ["wrn-28-10", "wrn-34-10", "wrn-34-r"]
    assert zoo.list_models("WsrNet_N*") == zoo.list_models("wsrnet-n*")
    assert len(zoo.list_models("*-imagenet")) == 4
    assert zoo.list_models("nothing*") == []
