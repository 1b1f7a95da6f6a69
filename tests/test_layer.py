"""The layer: shapes, masks, types, devices, and gradients that reach every weight."""

import copy
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from s2m import Conv4, LeNet, RelevanceNet, S2MError, Set2Model, VariancePrior
from s2m.relevance import Average, Nearest

NAN = float("nan")
COMPONENTS = [1, 2, 3, 4, "bic"]
# Convolutions sum in another order when the batch is another: 1e-6 in a descriptor of length 1, times up to
# 1 / sqrt(variance) = 30 standard deviations of distance and as many again for the density's slope.
COMPANY = 5e-3


def images(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def network(components: int | str = 1, embedding: type[nn.Module] = LeNet) -> Set2Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Set2Model(embedding(), components).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("components", COMPONENTS)
def test_the_example_of_the_docstring(components: int | str) -> None:
    relevance = network(components, Conv4)(images(3, 5, seed=0), images(3, 7, seed=1))
    assert relevance.shape == (3, 7)
    assert relevance.dtype == torch.float32
    assert torch.isfinite(relevance).all()


@pytest.mark.parametrize("components", COMPONENTS)
@pytest.mark.parametrize("embedding", [Conv4, LeNet])
def test_gradients_reach_every_weight(components: int | str, embedding: type[nn.Module]) -> None:
    layer = network(components, embedding).train()
    layer(images(2, 6, seed=0), images(2, 4, seed=1)).sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert (parameter.grad != 0).any(), name


def test_descriptors_have_length_one() -> None:
    descriptors = network().describe(images(4, seed=0))
    torch.testing.assert_close(descriptors.norm(dim=1), torch.ones(4), rtol=1e-6, atol=0)  # float32


def test_the_relevance_is_that_of_the_descriptors() -> None:
    layer, examples, queries = network(2), images(2, 5, seed=0), images(2, 3, seed=1)
    kept = layer.describe(examples.flatten(0, 1)).unflatten(0, (2, 5))
    asked = layer.describe(queries.flatten(0, 1)).unflatten(0, (2, 3))
    torch.testing.assert_close(layer(examples, queries), layer.relevance(kept, asked), rtol=0, atol=COMPANY)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("components", [1, 2])
def test_a_mask_drops_examples(components: int, training: bool) -> None:
    """Whatever the padding holds, in batch normalisation's statistics and in the gradients too."""
    examples, queries = images(1, 5, seed=0), images(1, 3, seed=1)
    results = []
    for padded in (False, True):
        layer, x, mask = network(components, Conv4).train(training), examples, None
        if padded:
            x = torch.cat([examples, torch.full((1, 2, 1, 28, 28), NAN)], 1)
            mask = torch.tensor([[True] * 5 + [False] * 2])
        relevance = layer(x, queries, mask)
        relevance.sum().backward()
        results.append((relevance, [parameter.grad for parameter in layer.parameters()], layer.state_dict()))
    (plain, gradients, state), (masked, masked_gradients, masked_state) = results
    torch.testing.assert_close(masked, plain, rtol=0, atol=1e-6)  # the same images in the same order: nothing differs
    for found, expected in zip(masked_gradients, gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    for name, value in state.items():
        torch.testing.assert_close(masked_state[name], value, rtol=0, atol=0)


def test_a_mask_makes_sets_unequal() -> None:
    layer, examples, queries = network(2), images(2, 6, seed=0), images(2, 3, seed=1)
    mask = torch.tensor([[True] * 6, [True] * 2 + [False] * 4])
    found = layer(examples, queries, mask)
    torch.testing.assert_close(found[1:], layer(examples[1:, :2], queries[1:]), rtol=0, atol=COMPANY)
    torch.testing.assert_close(found[:1], layer(examples[:1], queries[:1]), rtol=0, atol=COMPANY)


def test_fit_once_and_rank_two_collections() -> None:
    layer, one, other = network(2), images(1, 5, seed=0), images(1, 6, seed=1)
    queries = layer.describe(images(4, seed=2))
    expected = layer.fit(one)(queries), layer.fit(other)(queries)
    score_one, score_other = layer.fit(one), layer.fit(other)  # one object, two sets at once
    assert torch.equal(score_one(queries), expected[0])
    assert torch.equal(score_other(queries), expected[1])
    assert not torch.equal(*expected)


def test_fit_takes_a_mask() -> None:
    layer, x = network(1), images(1, 5, seed=0)
    queries = layer.describe(images(4, seed=2))
    found = layer.fit(x, torch.tensor([[1, 1, 1, 0, 0]]))(queries)
    torch.testing.assert_close(found, layer.fit(x[:, :3])(queries), rtol=0, atol=COMPANY)


@pytest.mark.parametrize("relevance", [Average, Nearest])
def test_any_relevance_sits_on_any_embedding(relevance: type[nn.Module]) -> None:
    layer = RelevanceNet(nn.Flatten(), relevance())
    found = layer(images(2, 3, seed=0), images(2, 4, seed=1))
    assert found.shape == (2, 4)
    assert (found <= 1 + 1e-6).all()  # a product of vectors of length 1, or of a mean of such


@pytest.mark.parametrize("learn_prior", [False, True])
def test_state_dict_and_safetensors(tmp_path: Path, learn_prior: bool) -> None:
    prior = VariancePrior(2.0, 0.05)
    layer = Set2Model(LeNet(), 2, prior, learn_prior).eval()
    examples, queries = images(1, 5, seed=0), images(1, 3, seed=1)
    expected = layer(examples, queries)
    safetensors.torch.save_file(layer.state_dict(), tmp_path / "layer.safetensors")
    for state in (layer.state_dict(), safetensors.torch.load_file(tmp_path / "layer.safetensors")):
        other = Set2Model(LeNet(), 2, learn_prior=learn_prior).eval()
        other.load_state_dict(state)
        assert torch.equal(other(examples, queries), expected)
    assert torch.equal(copy.deepcopy(layer)(examples, queries), expected)


@pytest.mark.parametrize("components", COMPONENTS)
def test_autocast(components: int | str) -> None:
    """The embedding computes in bfloat16, the fit does not; what differs is the rounding of the descriptors."""
    layer, examples, queries = network(components).train(), images(2, 6, seed=0), images(2, 4, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        descriptors = layer.describe(examples.flatten(0, 1))
        relevance = layer(examples, queries)
    assert descriptors.dtype == torch.float32
    assert relevance.dtype == torch.float32
    exact = layer.describe(examples.flatten(0, 1))
    assert (descriptors - exact).norm(dim=1).max() < 0.05  # bfloat16 keeps 8 bits: 0.004 a layer, of a length of 1
    relevance.sum().backward()
    assert all(parameter.grad is not None and torch.isfinite(parameter.grad).all() for parameter in layer.parameters())


def test_the_fit_itself_is_not_narrowed_by_autocast() -> None:
    layer = network(2)
    kept, asked = layer.describe(images(6, seed=0)).unsqueeze(0), layer.describe(images(4, seed=1))
    with torch.autocast("cpu", torch.bfloat16):
        inside = layer.relevance(kept, asked)
    assert torch.equal(inside, layer.relevance(kept, asked))


def test_float64_stays_float64() -> None:
    layer = network(2).double()
    assert layer(images(1, 5, seed=0).double(), images(1, 3, seed=1).double()).dtype == torch.float64


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
@pytest.mark.parametrize("components", COMPONENTS)
def test_cuda_agrees_with_the_cpu(components: int | str) -> None:
    layer, examples, queries = network(components), images(2, 6, seed=0), images(2, 4, seed=1)
    expected = layer(examples, queries)
    expected.sum().backward()
    on_cuda = copy.deepcopy(layer).cuda()
    on_cuda.zero_grad()
    relevance = on_cuda(examples.cuda(), queries.cuda(), torch.ones(2, 6).cuda())
    relevance.sum().backward()
    # Convolutions on a GPU may round to TF32, 1e-3; density and slope make more of it.
    torch.testing.assert_close(relevance.cpu(), expected, rtol=0.05, atol=1.0)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in on_cuda.parameters())


@pytest.mark.parametrize(
    ("examples", "queries", "mask", "message"),
    [
        (images(1, 2, seed=0), images(2, 3, seed=0), None, "1 concept sets but queries for 2"),
        (torch.ones(2, 5), torch.ones(2, 5), None, r"give \(B, N, \*image\) and \(B, M, \*image\)"),
        (images(1, 2, seed=0), images(1, 2, seed=0)[..., :14], None, r"give \(B, N, \*image\) and \(B, M, \*image\)"),
        (images(1, 0, seed=0), images(1, 2, seed=0), None, "an empty set"),
        (images(1, 2, seed=0) * NAN, images(1, 2, seed=0), None, "set 0 has a NaN or infinite descriptor"),
        (images(1, 2, seed=0), images(1, 2, seed=0), torch.ones(1, 3), r"the mask has shape \(1, 3\): give \(1, 2\)"),
        (images(1, 2, seed=0), images(1, 2, seed=0), torch.zeros(1, 2), "all weights are zero in set 0"),
    ],
    ids=["sets", "no image", "images", "empty", "NaN", "mask", "all masked"],
)
def test_bad_input_is_one_line(examples: Tensor, queries: Tensor, mask: Tensor | None, message: str) -> None:
    with pytest.raises(S2MError, match=message) as error:
        network()(examples, queries, mask)
    assert "\n" not in str(error.value)


def test_components_that_make_no_sense() -> None:
    with pytest.raises(S2MError, match='components is 0: give a number >= 1, or "bic"'):
        Set2Model(LeNet(), 0)


def test_descriptors_may_keep_their_length() -> None:
    drawings, embedding = images(3, seed=0), LeNet().eval()
    free, unit = (RelevanceNet(embedding, Average(), normalise).describe(drawings) for normalise in (False, True))
    assert torch.equal(free, embedding(drawings))
    torch.testing.assert_close(unit, free / free.norm(dim=1, keepdim=True))
