import sys,io,time,zipfile,math
sys.path.insert(0,'.'); sys.path.insert(0,'.')
import numpy as np, torch, torch.nn.functional as F
from PIL import Image
from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.inference.quality import lpips_network
from psp.checkpoints.dlib_file import load_face_descriptor
from psp.checkpoints.small_networks import load_previews
from psp.losses.identity import DescriptorLoss
from psp.inference.previews import decode_preview
torch.set_num_threads(int(sys.argv[1]) if len(sys.argv)>1 and sys.argv[1].isdigit() else 2)
pipe=PspPipeline(); psp=pipe.network.load('auto','encode').psp
gen=psp.decoder; gen.requires_grad_(False); psp.requires_grad_(False)
lp=lpips_network(); dl=DescriptorLoss(load_face_descriptor())
def photos(n=12,step=8):
    z=zipfile.ZipFile('./data/photos256/photo256.zip'); names=sorted(x for x in z.namelist() if x.startswith('val/'))[::step][:n]
    out=[]
    for k in names:
        im=Image.open(io.BytesIO(z.read(k))).convert('RGB'); out.append(torch.from_numpy(np.asarray(im).copy()).permute(2,0,1)[None].float()/127.5-1)
    return out
_mf=None
def mface():
    global _mf
    if _mf is None:
        sys.path.append('./ovlib'); import openvino as ov, glob
        m=ov.Core().compile_model(glob.glob('./npm/package/**/MobileFaceNet.tflite',recursive=True)[0],'CPU'); _mf=m
    return _mf
def emb(x):
    x=F.avg_pool2d(x,x.shape[-1]//256) if x.shape[-1]>256 else x
    c=F.interpolate(x[:,:,35:223,32:220],size=(112,112),mode='bilinear',align_corners=False,antialias=True).permute(0,2,3,1).numpy()
    o=mface()([np.concatenate([c,c])])[0][0]; return o/np.linalg.norm(o)
def at(x,s): return F.avg_pool2d(x,x.shape[-1]//s) if x.shape[-1]>s else x
def measure(made,x):
    with torch.no_grad():
        y=at(made,256).clamp(-1,1); return (float(lp(y,x)),float(dl(y,x)),float((emb(y)*emb(x)).sum()),float((y-x).square().mean()))
def pil(x): return Image.fromarray(((x[0].clamp(-1,1)+1)*127.5).round().byte().permute(1,2,0).numpy())
