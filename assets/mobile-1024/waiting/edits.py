from judge5 import *
from PIL import Image
from nets2 import Frontal
torch.set_num_threads(1)
def main():
    with torch.no_grad():
        x, c, y, f, a, b, w0, w1 = (t[:5].clone() for t in torch.load("big.pt", mmap=True)); mean = gen.w_avg; n = 5; x, c, y, a, b = x[:n], c[:n], y[:n], a[:n], b[:n]
        o = c.roll(1, 0); ex = {k[len("mean") and 0:]: v for k, v in i8("/work/gpu/store2/frontalize.safetensors").items()}
        fr = Frontal(ex["mean"], ex["spread"]); fr.load_state_dict(ex)
        def mix(c): c[:, 10:] = o[:, 10:]; return c
        def move(c): c[:, 4:10] += 0.5 * (o[:, 4:10] - mean); return c
        def pose(c): c[:, :4] += 0.5 * (o[:, :4] - mean); return c
        def blend(c): return 0.7 * c + 0.3 * o
        cols = [x, y, ends(f[:n], c, a, b)]; base = {0: cols[1], 1: cols[2]}
        bl = lambda t: F.avg_pool2d(t, 4)
        for name, g in (("mix 10-22", mix), ("move 4-9", move), ("move 0-3", pose), ("frontal", fr), ("30 % of another", blend)):
            e = g(c.clone()); fe = fronts(e); p0 = ends(fe, e, a * 0, b * 0); p5 = ends(fe, e, a / 2, b / 2); p1 = ends(fe, e, a, b); cols += [p0, p5, p1]
            d0, d1 = bl(p0 - y).flatten(1), bl(p1 - base[1]).flatten(1)
            print(name, "kept of the edit: cosine %.2f, size %.2f" % (F.cosine_similarity(d0, d1).mean(), (d1.norm(dim=1) / d0.norm(dim=1)).mean()), flush=True)
        g = torch.stack(cols, 1); n, k = g.shape[:2]
        Image.fromarray(((g.permute(0, 3, 1, 4, 2).reshape(n * 256, k * 256, 3).clamp(-1, 1) + 1) * 127.5).round().byte().numpy()).resize((k * 160, n * 160)).save("sheets/edits.png")
main()
