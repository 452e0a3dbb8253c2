"""The PyTorch side of docs/session.md.

    python session.py train     writes train.csv and net.safetensors, a 3-24-1 tanh network
    python session.py compare   loads net.safetensors and the smaller networks, and compares their outputs

Needs torch, numpy and safetensors. Training ends with a proximal step on the outgoing weights of each hidden unit
(the group lasso, here with one output plain soft thresholding), the usual way of making whole units go to zero.
"""

import sys

import numpy
import torch
from safetensors.torch import load_file, save_file


def network(hidden):
    return torch.nn.Sequential(torch.nn.Linear(3, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 1))


def load(path):
    state = load_file(path)
    net = network(state["0.weight"].shape[0])
    net.load_state_dict(state)
    return net


def train():
    torch.manual_seed(1)
    x = torch.randn(600, 3)
    y = torch.sin(2 * x[:, :1]) + x[:, 1:2] * torch.tanh(x[:, 2:]) + 0.05 * torch.randn(600, 1)
    numpy.savetxt("train.csv", torch.cat([x, y], 1).numpy(), delimiter=",", header="a,b,c,y", comments="")
    net, rate, shrinkage = network(24), 3e-3, 0.2
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(6000):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            v = net[2].weight
            v.copy_(v.sign() * (v.abs() - rate * shrinkage).clamp(min=0))
    save_file(net.state_dict(), "net.safetensors")
    print(f"mean squared error {loss.item():.5f}")


def compare():
    x = torch.tensor(numpy.loadtxt("train.csv", delimiter=",", skiprows=1)[:, :3], dtype=torch.float32)
    y = torch.tensor(numpy.loadtxt("train.csv", delimiter=",", skiprows=1)[:, 3:], dtype=torch.float32)
    with torch.no_grad():
        reference = load("net.safetensors")(x)
        for path in sys.argv[2:]:
            net = load(path)
            z = net(x)
            print(
                f"{path}: {net[0].out_features} hidden units, largest difference {(z - reference).abs().max():.1e}, "
                f"mean squared error {((z - y) ** 2).mean():.5f}"
            )


{"train": train, "compare": compare}[sys.argv[1]]()
