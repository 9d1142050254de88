"""Every flag a check can raise: what it means, and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """Plain words for one flag."""

    meaning: str
    remedy: str


FLAGS: dict[str, Flag] = {
    "input-0-255": Flag(
        "The model works on pixels in 0..255, not in [0,1].",
        "Divide by 255 as the model's first layer; a strength of 8/255 means nothing otherwise.",
    ),
    "normalisation-outside-model": Flag(
        "The model expects images that were normalised before they reach it.",
        "Make the normalisation the model's first layer; attacks work on pixels in [0,1].",
    ),
    "tuple-output": Flag(
        "The model returns a tuple or dict; whatever else is in it is not part of the classifier under attack.",
        "Return the logits alone.",
    ),
    "nan-output": Flag("The model returns NaN or infinity.", "Mend the model; an accuracy over NaN means nothing."),
    "softmax-output": Flag(
        "The outputs are probabilities, not logits: cross-entropy on them has almost no gradient.",
        "Return what goes into the softmax (or sigmoid).",
    ),
    "saturated-logits": Flag(
        "The logits are so large, or clipped so hard, that the loss is flat around the images.",
        "Remove the scale or the clipping from the output; evaluate with a margin loss and Square as well.",
    ),
    "constant-classifier": Flag(
        "One class is predicted for everything; its accuracy cannot be attacked and means nothing.",
        "Look at the training; compare with the share of the most frequent class.",
    ),
    "no-better-than-chance": Flag(
        "Clean accuracy is not above the share of the most frequent class.",
        "Check weights, normalisation and the order of the labels.",
    ),
    "random-output": Flag(
        "The same image gets different logits in two calls.",
        "Switch the randomness off, or attack the expectation over it (many draws per gradient).",
    ),
    "noise-at-inference": Flag(
        "Random numbers are drawn while classifying.",
        "Attack the expectation over the noise; a single noisy gradient is a weak attack.",
    ),
    "dropout-on": Flag("Dropout is active.", "Call model.eval(), and do not force dropout on in the forward pass."),
    "batchnorm-train-mode": Flag(
        "BatchNorm uses the statistics of the batch: the network attacked is not the network scored.",
        "Call model.eval(), and keep running statistics.",
    ),
    "batch-dependent": Flag(
        "An image's logits depend on the batch it comes in: on its size, its order or the other images in it.",
        "Make each image's result its own, in batches of any size; evaluate in eval mode.",
    ),
    "changes-with-use": Flag(
        "The model answers otherwise than a copy that has seen nothing, or otherwise than it did before: it remembers "
        "images, counts calls or looks at the clock.",
        "Make the forward pass a function of the image alone; score attacked images on a copy loaded anew.",
    ),
    "changes-its-input": Flag(
        "The model writes into the images handed to it: whoever keeps them scores other images than were made.",
        "Replace in-place steps at the start (x.round_(), x.clamp_(), x.sub_()) by ordinary ones; hand over copies.",
    ),
    "gradient-aware": Flag(
        "The model answers differently when a gradient of images or weights is asked for: attacks see another model "
        "than users do.",
        "Make the forward pass the same whether or not gradients are wanted, of the images or of the weights.",
    ),
    "state-changed": Flag(
        "Classifying changes the model's weights or buffers.",
        "Call model.eval(); a model that learns from the test images must be evaluated as such.",
    ),
    "test-time-optimisation": Flag(
        "Gradients are computed inside the forward pass.",
        "Standard attacks do not see through an optimisation loop; an adaptive attack is needed.",
    ),
    "non-differentiable": Flag(
        "No gradient comes back from the logits to the images.",
        "Replace detach, numpy or comparisons by something differentiable for the attack (BPDA), or evaluate "
        "with suite='square'.",
    ),
    "nan-gradient": Flag(
        "The gradient is NaN or infinite at some images; its sign says nothing, and an attack stands still there.",
        "Look for roots, logarithms, lengths and divisions at zero: add a small constant inside them.",
    ),
    "zero-gradient": Flag(
        "The gradient of the loss is exactly zero at some images, so gradient attacks do not move them.",
        "Use a margin loss, an approximation of the blocking step (BPDA) and gradient-free attacks.",
    ),
    "vanishing-gradients": Flag(
        "The loss has next to no gradient although the logits have one: a temperature hides it.",
        "Divide the temperature out, or attack the margin of the logits.",
    ),
    "gradient-shattering": Flag(
        "The output is a staircase of the input, or oscillates, or the gradient does not say how the output changes.",
        "Attack through a smooth stand-in of what hides the gradient (BPDA), with gradients averaged over noise "
        "(SmoothedPGD), undo any scaling of it, and attack without gradients.",
    ),
    "decision-jumps": Flag(
        "At the boundary between two classes the logits jump: something discontinuous decides, and no gradient leads "
        "to it.",
        "Attack what decides, without the last rounding, argmax or comparison; attack by decisions alone (RayS).",
    ),
    "faint-gradient": Flag(
        "The gradients at the images are many times too faint for a boundary as near as it is: the loss is a plateau "
        "with a cliff somewhere, and what slope there is may belong to something else.",
        "Attack what comes before the step that flattens the logits; attack by decisions alone (RayS), by transfer.",
    ),
    "accuracy-rises-with-strength": Flag(
        "A stronger attack leaves more images right: the attack fails, the model is not robust.",
        "Use more steps, restarts, another loss, and Square.",
    ),
    "flat-curve": Flag(
        "Between two large strengths next to nothing more breaks, half way down the curve: an attack that worked would "
        "go on winning.",
        "The attack fails from there on; use other losses, averaged gradients, Square, RayS and transfer.",
    ),
    "above-chance-at-half": Flag(
        "At strength 0.5 every image can be turned grey, yet the attack leaves more right than guessing would.",
        "The attack fails at large strengths; do not report them before it succeeds.",
    ),
    "not-broken-at-one": Flag(
        "At strength 1 any image can become any other, yet images are still right.",
        "The attack fails; do not report large strengths before it succeeds.",
    ),
    "fgsm-beats-pgd": Flag(
        "One step breaks images that many steps do not.",
        "The iterative attack is stuck: gradients are masked or the step size is wrong.",
    ),
    "smoothing-helps": Flag(
        "Gradients averaged over noise break images that the model's own gradients do not.",
        "The loss is rough: report SmoothedPGD's result, and look for what makes the model oscillate.",
    ),
    "black-box-beats-white-box": Flag(
        "An attack without gradients breaks images that the gradient attacks do not.",
        "The gradients are masked: report the gradient-free result, and build an adaptive attack.",
    ),
    "more-steps-help": Flag(
        "Three times the steps break clearly more images.", "Raise the steps until the accuracy stands still."
    ),
    "restarts-help": Flag(
        "Other random starts break clearly more images.", "Raise the restarts until the accuracy stands still."
    ),
    "loss-matters": Flag(
        "A margin loss breaks clearly more images than cross-entropy.",
        "Report the worst case over both (suite='standard').",
    ),
    "loss-still-moving": Flag(
        "The attack's loss is still rising at its last steps.", "Raise the steps until it stands still."
    ),
    "rounding-undoes-attack": Flag(
        "Most adversarial images are right again after rounding to 8 bits.",
        "The attack lives in differences no image file can hold; attack rounded images.",
    ),
}
