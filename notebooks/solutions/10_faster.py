"""One answer to each exercise of 10_faster.ipynb. Yours may look different and be as good."""


def predict_every(predict, frames, n):
    """Return a mask for each frame, but predict only every n-th."""
    masks = []
    for number, frame in enumerate(frames):
        if number % n == 0:
            mask = predict(frame)
        masks.append(mask)  # between predictions, the latest one
    return masks


def rates(stages):
    """Return latency in ms, fps one after another, fps with the stages overlapped."""
    latency = sum(stages.values())
    return latency, 1000 / latency, 1000 / max(stages.values())
