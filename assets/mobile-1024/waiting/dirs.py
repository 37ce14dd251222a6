import sys; sys.argv=['x','1']
from exp import *
f=np.load('fit.npz'); names=list(f['names']); B,V,sd=f['B'],f['V'],f['sd']
sel=['yaw','pitch','smile','mouth_open','eyes_open','age','female','glasses','hat','hair_low','hair_L','hair_b','beard','skin_L','skin_b','bright','face_wide']
M=B[:,[names.index(s) for s in sel]]
D=M@np.linalg.inv(M.T@M)  # k x m ; predicted change of e_i by 1 sigma
DW={s:torch.from_numpy((V.T@(sd*D[:,i])).astype(np.float32)) for i,s in enumerate(sel)}
print({s:round(float(DW[s].norm()),2) for s in sel})
LAY=dict(yaw=(0,8),pitch=(0,8),smile=(4,11),mouth_open=(3,11),eyes_open=(4,11),age=(0,23),glasses=(0,11),hat=(0,14),hair_low=(0,11),hair_L=(7,23),hair_b=(7,23),beard=(0,23),skin_L=(7,23),bright=(7,23),face_wide=(0,11))
def move(c,s,a):
    lo,hi=LAY[s]; d=torch.zeros_like(c); d[:,lo:hi]=DW[s]; return c+a*d
if __name__=='__main__':
    x=photos(3,30)[1]; cs=[psp.encode(x)]
    im=pipe.align('./examples/photos/synthetic_1.jpg').image; cs.append(psp.encode(torch.from_numpy(np.asarray(im).copy()).permute(2,0,1)[None].float()/127.5-1))
    W=Image.new('RGB',(128*10,128*len(LAY)))
    with torch.no_grad():
        for j,s in enumerate(LAY):
            ids=[]
            for q,c in enumerate(cs):
                y0=decode_preview(gen,c,256)
                for i,a in enumerate((-3,-1.5,0,1.5,3)):
                    y=decode_preview(gen,move(c,s,a),256); ids.append(round(float(dl(y,y0)),2)); W.paste(pil(y).resize((128,128)),(128*(i+5*q),128*j))
            print(j,s,ids,flush=True)
    W.save('dirs.png')
